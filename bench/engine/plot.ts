/** @file Bars of the medians, as an SVG picture. */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { median } from "./median.ts";
import type { Measured } from "./summary.ts";

/**
 * First token and time per token of everything that was measured.
 * @example await writeFile("bench/engine.svg", await plotMeasured(measured));
 */
export async function plotMeasured({ ours, peers }: Measured): Promise<string> {
  const bars: { who: string; what: string; ms: number }[] = [];
  const add = (who: string, what: string, values: readonly number[]) => {
    if (values.length > 0) bars.push({ who, what, ms: median(values) });
  };
  for (const [name, runs] of Object.entries(ours)) {
    const who = `flashvl ${name}`;
    add(
      who,
      "picture (ms)",
      runs.flatMap((run) => run.towerMs),
    );
    add(
      who,
      "prompt (ms)",
      runs.flatMap((run) => run.prefillMs),
    );
    add(
      who,
      "one token (ms)",
      runs.flatMap((run) => run.tokenMs),
    );
  }
  for (const [who, runs] of Object.entries(peers)) {
    if (typeof runs === "string") continue;
    add(
      who,
      "picture (ms)",
      runs.flatMap((run) => run.towerMs ?? []),
    );
    add(
      who,
      "prompt (ms)",
      runs.flatMap((run) => run.prefillMs),
    );
    add(
      who,
      "one token (ms)",
      runs.flatMap((run) => run.tokenMs),
    );
  }
  const spec: TopLevelSpec = {
    background: "white",
    data: { values: bars },
    facet: { column: { field: "what", title: null, sort: ["picture (ms)", "prompt (ms)", "one token (ms)"] } },
    spec: {
      width: 200,
      mark: "bar",
      encoding: {
        y: { field: "who", type: "nominal", title: null },
        x: { field: "ms", type: "quantitative", title: null },
        color: { field: "who", type: "nominal", legend: null },
      },
    },
    resolve: { scale: { x: "independent" } },
  };
  return new View(parse(compile(spec).spec), { renderer: "none" }).toSVG();
}
