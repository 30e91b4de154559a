/** @file The model card's own evaluation table, to print beside a run. */
import { headlineOf, type SetResult } from "./result.ts";

export interface CardRow {
  model: string;
  /** Percent, by card column. */
  scores: Readonly<Record<string, number>>;
}

/** The card's columns, and the set and metric of ours that each stands for. */
export const CARD_COLUMNS: readonly { name: string; sets: readonly string[]; metric: string }[] = [
  { name: "DynaMath", sets: ["DynaMath"], metric: "Average" },
  { name: "MathVision", sets: ["MathVision", "MathVision_MINI"], metric: "Overall" },
  { name: "MathVerse", sets: ["MathVerse_MINI_Vision_Only", "MathVerse_MINI"], metric: "headline" },
  { name: "MMMU Pro", sets: ["MMMU_Pro_10c", "MMMU_Pro_V"], metric: "headline" },
  { name: "WeMath", sets: ["WeMath"], metric: "Score (Loose)" },
];

const row = (model: string, values: number[]): CardRow => ({
  model,
  scores: Object.fromEntries(
    ["Average", ...CARD_COLUMNS.map((column) => column.name)].map((name, at) => [name, values[at]!]),
  ),
});

/** Published with FlashVL-2B-Static-GRPO; which of DynaMath's and WeMath's metrics it quotes is not said there. */
export const CARD_TABLE: readonly CardRow[] = [
  row("Flash-VL-2Bs", [23.8, 23.19, 26.72, 16.84, 16.24, 36.03]),
  row("InternVL3-2B", [27.03, 32.55, 26.49, 17, 22.56, 36.55]),
  row("+ SFT", [26.08, 28.28, 31.06, 16.97, 15.95, 38.16]),
  row("+ RL", [27.23, 26.94, 27.94, 17.73, 16.99, 46.55]),
  row("FlashVL-2B-Static-GRPO", [29.05, 30.61, 32.48, 18.45, 16.53, 47.18]),
];

/** The result that stands for a column; null where no set of the column was run. */
function scoreOf({ sets, metric }: (typeof CARD_COLUMNS)[number], results: readonly SetResult[]): number | null {
  const result = sets.map((name) => results.find((item) => item.dataset === name)).find((item) => item !== undefined);
  if (!result) return null;
  const found = metric === "headline" ? headlineOf(result) : result.metrics.find((item) => item.name === metric);
  return found?.value ?? null;
}

const number = (value: number | null | undefined) => (value === null || value === undefined ? "–" : value.toFixed(2));

/**
 * The card's table with a run as its last row, and a head; no rows where no set of the run stands for a column. An average is
 * given only where every column has a score.
 * @example formatTable(cardTable("InternVL3-2B", results))
 */
export function cardTable(model: string, results: readonly SetResult[]): string[][] {
  const scores = CARD_COLUMNS.map((column) => scoreOf(column, results));
  if (scores.every((score) => score === null)) return [];
  const whole = scores.every((score) => score !== null);
  const average = whole ? scores.reduce<number>((sum, score) => sum + score!, 0) / scores.length : null;
  const names = ["Average", ...CARD_COLUMNS.map(({ name }) => name)];
  return [
    ["Model", ...names],
    ...CARD_TABLE.map((row) => [row.model, ...names.map((name) => number(row.scores[name]))]),
    [`${model} (this run)`, number(average), ...scores.map(number)],
  ];
}
