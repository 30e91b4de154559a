/** @file Follows a run: its curves as text, again whenever it has gone on. */

import { setTimeout } from "node:timers/promises";
import { chartsOf } from "./curves.ts";
import { type MetricsRow, plannedSteps, readMetrics } from "./read-metrics.ts";
import { terminalChart } from "./terminal-chart.ts";

export interface Frame {
  /** Lines that fill the terminal. */
  readonly lines: readonly string[];
  readonly step: number;
}

const MIN_WIDTH = 40;
/** Two charts side by side need this much. */
const TWO_COLUMNS = 110;
const GAP = "   ";

/**
 * The charts of some rows in `width` columns; `height` lines for each drawing.
 * @param until the step at which the run is to end
 */
export function drawFrame(rows: readonly MetricsRow[], width: number, height: number, until?: number): Frame {
  const columns = width >= TWO_COLUMNS ? 2 : 1;
  const each = Math.max(MIN_WIDTH, Math.floor((width - GAP.length * (columns - 1)) / columns) - 1);
  const charts = chartsOf(rows, until).map((chart) => terminalChart(chart, each, height).map((l) => l.slice(0, each)));
  const lines: string[] = [];
  for (let i = 0; i < charts.length; i += columns) {
    const row = charts.slice(i, i + columns);
    row[0]!.forEach((_, l) => {
      lines.push(
        row
          .map((chart) => chart[l]!.padEnd(each))
          .join(GAP)
          .trimEnd(),
      );
    });
    lines.push("");
  }
  return { lines, step: rows.at(-1)?.step ?? 0 };
}

export interface WatchOptions {
  readonly width: number;
  /** Lines of each drawing. */
  readonly height: number;
  /** Milliseconds between two looks at the file. */
  readonly interval: number;
  readonly signal: AbortSignal;
}

/** Waits; an abort ends the wait. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {});
}

/** Frames of a run, a new one whenever it has a new step; ends when `signal` aborts. @throws Error when it is no run */
export async function* watchRun(run: string, { width, height, interval, signal }: WatchOptions): AsyncGenerator<Frame> {
  let [seen, count] = [-1, -1];
  while (!signal.aborted) {
    const rows = await readMetrics(run);
    const step = rows.at(-1)?.step ?? 0;
    if (step !== seen || rows.length !== count) yield drawFrame(rows, width, height, await plannedSteps(run));
    [seen, count] = [step, rows.length];
    await pause(interval, signal);
  }
}
