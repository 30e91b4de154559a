/** @file Draws a load over its time: first tokens, gaps between tokens, and the server's memory and queue. */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { LoadResult } from "./load.ts";

/** Points beyond this number only make the file large; every k-th is drawn then. */
const MAX_POINTS = 4000;

/**
 * The load as an SVG picture.
 *
 * @example await writeFile("load.svg", await plotLoad(result, "8 clients"));
 */
export async function plotLoad({ samples, gauges }: LoadResult, title: string): Promise<string> {
  const whole = samples.filter(({ outcome }) => outcome === "ok");
  const first = whole.flatMap(({ at, firstToken }) =>
    firstToken === undefined ? [] : [{ s: at / 1000, ms: firstToken }],
  );
  const gaps = whole.flatMap(({ at, gaps }) => gaps.map((ms) => ({ s: at / 1000, ms })));
  const memory = gauges.map(({ at, residentBytes }) => ({ s: at / 1000, MiB: residentBytes / 2 ** 20 }));
  const queue = gauges.flatMap(({ at, running, waiting }) => [
    { s: at / 1000, requests: running, state: "running" },
    { s: at / 1000, requests: waiting, state: "waiting" },
  ]);
  const x = { field: "s", type: "quantitative", title: "seconds" } as const;
  const dots = (values: object[], title: string) => ({
    width: 620,
    height: 130,
    data: { values: thin(values) },
    mark: { type: "point", size: 10, filled: true, opacity: 0.45 } as const,
    encoding: { x, y: { field: "ms", type: "quantitative", title } as const },
  });
  const spec: TopLevelSpec = {
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    title,
    background: "white",
    vconcat: [
      dots(first, "first token (ms)"),
      dots(gaps, "between tokens (ms)"),
      {
        width: 620,
        height: 110,
        data: { values: queue },
        mark: "line",
        encoding: {
          x,
          y: { field: "requests", type: "quantitative" },
          color: { field: "state", type: "nominal", title: null },
        },
      },
      {
        width: 620,
        height: 110,
        data: { values: memory },
        mark: "line",
        encoding: { x, y: { field: "MiB", type: "quantitative", title: "server memory (MiB)" } },
      },
    ],
  };
  return new View(parse(compile(spec).spec), { renderer: "none" }).toSVG();
}

function thin<Item>(items: Item[]): Item[] {
  const step = Math.ceil(items.length / MAX_POINTS);
  return step <= 1 ? items : items.filter((_, index) => index % step === 0);
}
