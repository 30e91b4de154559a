/** @file One set's result as a plain object: what results.json holds and every other report is made from. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Decision,
  type Metric,
  metricValue,
  type Scored,
  type ScoringRules,
  type SetReport,
  type Table,
} from "../../vlmeval/index.ts";
import type { JudgeCounts } from "../judge/judge.ts";
import { bootstrapInterval, type Interval } from "../stats/bootstrap.ts";
import { withCode } from "../with-code.ts";

/** Names of the files in a run's folder that reports and comparisons are made from. */
export const RESULT = "result.json";
export const UNITS = "units.json";

/** Is the run in this folder scored? */
export const isScored = (folder: string): boolean =>
  existsSync(join(folder, RESULT)) && existsSync(join(folder, UNITS));

function readScored<T>(folder: string, name: string): T {
  const path = join(folder, name);
  if (!isScored(folder))
    throw new Error(`${folder} holds no scored run; expected a folder with ${RESULT} and ${UNITS}.`);
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch (error) {
    const way = "Score the run again: flashvl eval rescore FOLDER.";
    throw withCode("invalid", `${path} is damaged (${(error as Error).message}). ${way}`);
  }
}

/** The result of a scored run. @throws Error if the folder holds none, or a damaged one */
export const readResult = (folder: string): SetResult => readScored(folder, RESULT);

/** The metrics of a scored run, unit by unit. @throws Error if the folder holds none, or damaged ones */
export const readUnits = (folder: string): Metric[] => readScored(folder, UNITS);

export interface MetricResult {
  name: string;
  value: number | null;
  unit: "%" | "points";
  /** Rows, groups or questions behind the number. */
  count: number;
  interval: Interval | null;
}

export interface SetResult {
  dataset: string;
  model: string;
  headline: string;
  metrics: MetricResult[];
  metricNote: string;
  table: Table;
  fine?: Table;
  categories: SetReport["categories"];
  rows: number;
  /** Where only the first rows were asked, how many. */
  limit: number | null;
  unanswered: number;
  decisions: Record<Decision, number>;
  prompt: string;
  rules: ScoringRules;
  /** Format whose losses the replies went through. */
  storage: string;
  judge: { name: string; counts: JudgeCounts; dollars: number | null; lastFailure: string | null } | null;
  dataMd5: string | null;
  /** Comparisons of expressions cut off by their limit of time or memory. */
  cutOff: number;
  warnings: string[];
}

function finite(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

/** The metrics of a report with their 95 % intervals. */
export function metricResults(report: SetReport, seed?: number): MetricResult[] {
  return report.metrics.map((metric) => ({
    name: metric.name,
    value: finite(metricValue(metric)),
    unit: metric.combine === "mean" ? "%" : "points",
    count: metric.units.length,
    interval: bootstrapInterval(metric, { seed }),
  }));
}

/** How many rows each kind of verdict decided. */
export function countDecisions(rows: readonly Scored[]): Record<Decision, number> {
  const counts: Record<Decision, number> = { rule: 0, judge: 0, undecided: 0, "judge-failed": 0 };
  for (const { score } of rows) counts[score.decision]++;
  return counts;
}

/** The metric that leaderboards quote. */
export function headlineOf(result: SetResult): MetricResult | undefined {
  return result.metrics.find((metric) => metric.name === result.headline);
}
