/** @file Draws a load over its time: first tokens, gaps between tokens, and the server's queue and memory. */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { LoadResult } from "./load.ts";
import { percentiles } from "./summary.ts";

/** Points beyond this number only make the file large; every k-th is drawn then. The lines are made from all of them. */
const MAX_POINTS = 2000;
/** The lines' percentiles are taken over stretches of time: this many, or fewer in a short load. */
const MOST_WINDOWS = 60;
const WINDOW_S = 3;
/** Loads longer than this are drawn over minutes. */
const MINUTES_FROM_S = 300;
/** A logarithmic axis has no zero; tokens that arrive in one piece lie a few microseconds apart. */
const LEAST_MS = 1;

interface Point {
  t: number;
  ms: number;
}

/**
 * The load as an SVG picture.
 *
 * @example await writeFile("load.svg", await plotLoad(result, "8 clients"));
 */
export async function plotLoad({ seconds, samples, gauges }: LoadResult, title: string): Promise<string> {
  const [unit, name] = seconds > MINUTES_FROM_S ? [60_000, "minutes"] : [1000, "seconds"];
  const whole = samples.filter(({ outcome }) => outcome === "ok");
  const first: Point[] = [];
  const between: Point[] = [];
  for (const { at, firstToken, gaps } of whole) {
    if (firstToken === undefined) continue;
    first.push({ t: (at + firstToken) / unit, ms: firstToken });
    let now = at + firstToken;
    for (const gap of gaps) {
      now += gap;
      between.push({ t: now / unit, ms: Math.max(LEAST_MS, gap) });
    }
  }
  const end = Math.max(seconds * 1000, ...gauges.map(({ at }) => at)) / unit;
  const memory = gauges.map(({ at, residentBytes }) => ({ t: at / unit, MiB: residentBytes / 2 ** 20 }));
  const queue = gauges.flatMap(({ at, running, waiting }) => [
    { t: at / unit, requests: running, line: "running" },
    { t: at / unit, requests: waiting, line: "waiting" },
  ]);
  const windows = Math.max(1, Math.min(MOST_WINDOWS, Math.floor(seconds / WINDOW_S)));
  const x = (title: string | null) => ({
    field: "t",
    type: "quantitative" as const,
    title,
    scale: { domain: [0, end], nice: false },
  });
  const color = (domain: string[]) => ({
    field: "line",
    type: "nominal" as const,
    title: null,
    scale: { domain, range: ["#0b6b57", "#d9730d"] },
  });
  const latency = (points: Point[], title: string) => ({
    width: 640,
    height: 150,
    layer: [
      {
        data: { values: thin(points) },
        mark: { type: "point", size: 8, filled: true, opacity: 0.25, color: "#7a8a86" } as const,
        encoding: { x: x(null), y: logarithmic(title) },
      },
      {
        data: { values: lines(points, end, windows) },
        mark: { type: "line", strokeWidth: 2 } as const,
        encoding: { x: x(null), y: logarithmic(title), color: color(["p50", "p99"]) },
      },
    ],
  });
  const spec: TopLevelSpec = {
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    title: { text: title, anchor: "start", fontSize: 13 },
    background: "white",
    padding: 10,
    spacing: 14,
    vconcat: [
      latency(first, "first token (ms)"),
      latency(between, "between tokens (ms)"),
      {
        width: 640,
        height: 100,
        data: { values: queue },
        mark: { type: "area", interpolate: "step-after", opacity: 0.8 },
        encoding: {
          x: x(null),
          y: { field: "requests", type: "quantitative", stack: true, axis: { tickMinStep: 1 } },
          color: color(["running", "waiting"]),
        },
      },
      {
        width: 640,
        height: 100,
        data: { values: memory },
        mark: { type: "line", color: "#0b6b57" },
        encoding: { x: x(name!), y: { field: "MiB", type: "quantitative", title: "memory (MiB)" } },
      },
    ],
    resolve: { scale: { color: "independent" } },
  };
  return new View(parse(compile(spec).spec), { renderer: "none" }).toSVG();
}

const logarithmic = (title: string) =>
  ({ field: "ms", type: "quantitative", title, scale: { type: "log" }, axis: { tickCount: 4 } }) as const;

/** Median and 99th percentile of every stretch of time in which something happened. */
function lines(points: Point[], end: number, count: number): (Point & { line: string })[] {
  const windows = Array.from({ length: count }, (): number[] => []);
  for (const { t, ms } of points) windows[Math.min(count - 1, Math.floor((t / end) * count))]!.push(ms);
  return windows.flatMap((values, index) => {
    const all = percentiles(values);
    const t = ((index + 0.5) / count) * end;
    return all
      ? [
          { t, ms: all.p50, line: "p50" },
          { t, ms: all.p99, line: "p99" },
        ]
      : [];
  });
}

function thin<Item>(items: Item[]): Item[] {
  const step = Math.ceil(items.length / MAX_POINTS);
  return step <= 1 ? items : items.filter((_, index) => index % step === 0);
}
