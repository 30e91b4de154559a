/** @file What a benchmark set is: where its data lies, how it asks, how it scores, how it reports. A new set is one such object. */
import type { DefaultPrompt } from "./prompts/dataset-default.ts";
import type { DatasetType } from "./prompts/flashvl.ts";
import type { RowScore, ScoreProgram } from "./score/program.ts";
import type { ScoringRules } from "./score/rules.ts";
import { groupBy, type Table } from "./score/table.ts";

/** A row's texts and a model's reply to it. */
export interface Answered {
  index: string;
  cells: Readonly<Record<string, string | null>>;
  prediction: string;
}

/** An answered row with its verdict. */
export interface Scored extends Answered {
  score: RowScore;
}

/** One thing that a metric averages or adds up: a row, a circular group, a question with all its variants, … */
export interface MetricUnit {
  id: string;
  value: number;
  /** Only for `sum-of-means`. */
  stratum?: string;
}

/**
 * A number of the report with what it is made of, so that its spread can be estimated. `mean` is a percentage, `sum`
 * and `sum-of-means` (one mean per stratum) are points.
 */
export interface Metric {
  name: string;
  combine: "mean" | "sum" | "sum-of-means";
  units: MetricUnit[];
}

export interface SetReport {
  /** VLMEvalKit's own table, in its own scale. */
  table: Table;
  /** A second table with the given suffix, where VLMEvalKit writes one. */
  fine?: Table;
  metrics: Metric[];
  /** The name of the metric that leaderboards quote. */
  headline: string;
  /** Accuracy per category in percent, for plots. */
  categories: { name: string; value: number; count: number }[];
}

/** Which files VLMEvalKit writes for a set. */
export type FileKind =
  | "choice"
  | "choice-cot"
  | "wemath"
  | "judged"
  | "mmvet"
  | "mathverse"
  | "yes-no"
  | "ocrbench"
  | "vqa";

export interface ScoreContext {
  rules: ScoringRules;
  /** False scores as far as rules go (`--judge none`, VLMEvalKit's `exact_matching`). */
  judge: boolean;
}

export interface SetDefinition {
  name: string;
  type: DatasetType;
  /** Download address; a set without one must lie in the data folder. */
  url?: string;
  md5?: string;
  /** Rows of the whole set, for a warning when a file is only a part. */
  rows?: number;
  /** Columns that prompt or score cannot do without. */
  columns: readonly string[];
  files: FileKind;
  /** What the score means, in a line, printed beside the number. */
  metricNote: string;
  defaultPrompt: DefaultPrompt;
  /** Rows with one key are scored together; by default each row by itself. */
  groupKey?(row: Pick<Answered, "index" | "cells">): string;
  score(rows: readonly Answered[], context: ScoreContext): ScoreProgram<RowScore[]>;
  report(rows: readonly Scored[], context: ScoreContext): SetReport;
}

/** The judge that VLMEvalKit uses for a set by default. */
export const DEFAULT_JUDGE = "gpt-4o-mini";

/**
 * A metric's value: percent for means, points for sums; NaN for no units.
 * @example metricValue({ name: "Overall", combine: "mean", units: [{ id: "1", value: 1 }] }) // 100
 */
export function metricValue(metric: Pick<Metric, "combine" | "units">): number {
  const mean = (units: readonly MetricUnit[]) => units.reduce((sum, unit) => sum + unit.value, 0) / units.length;
  if (metric.combine === "mean") return mean(metric.units) * 100;
  if (metric.combine === "sum") return metric.units.reduce((sum, unit) => sum + unit.value, 0);
  const strata = groupBy(metric.units, (unit) => unit.stratum ?? "");
  return [...strata.values()].reduce((sum, units) => sum + mean(units), 0);
}
