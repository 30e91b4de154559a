/** @file Which curves of a run are worth a look, and in which order. */

import { type MetricsRow, type Point, seriesOf } from "./read-metrics.ts";

export interface Curve {
  readonly label: string;
  readonly points: readonly Point[];
}

export interface Chart {
  readonly title: string;
  readonly curves: readonly Curve[];
}

const CHARTS: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["loss", { loss: "training", eval_loss: "validation" }],
  ["reward", { reward: "mean", reward_std: "std", eval_reward: "held out" }],
  [
    "accuracy",
    {
      mean_token_accuracy: "tokens, training",
      eval_token_accuracy: "tokens, validation",
      eval_accuracy: "answers, held out",
      sure_full: "patches with something",
      sure_empty: "empty patches",
    },
  ],
  ["lessons", { see_loss: "patches", words_loss: "words", pointing_loss: "pointing" }],
  ["KL to the reference", { kl: "kl" }],
  ["entropy", { entropy: "entropy" }],
  ["answer length (tokens)", { "completions/mean_length": "mean", "completions/max_length": "longest" }],
  ["trained tokens per step", { num_tokens: "tokens" }],
  ["learning rate", { learning_rate: "rate" }],
  ["gradient norm", { grad_norm: "before clipping" }],
];

const REWARD = /^rewards\/(.+)\/mean$/;

/** Where there are several reward functions: a chart with a curve for each. */
function rewardsByFunction(rows: readonly MetricsRow[]): (readonly [string, Readonly<Record<string, string>>])[] {
  const keys = Object.keys(rows.at(-1) ?? {}).filter((key) => REWARD.test(key));
  if (keys.length < 2) return [];
  return [["rewards by function", Object.fromEntries(keys.map((key) => [key, REWARD.exec(key)![1]!]))]];
}

/** The charts for which the run has numbers. */
export const chartsOf = (rows: readonly MetricsRow[]): Chart[] =>
  [...CHARTS.slice(0, 2), ...rewardsByFunction(rows), ...CHARTS.slice(2)].flatMap(([title, keys]) => {
    const curves = Object.entries(keys)
      .map(([key, label]) => ({ label, points: seriesOf(rows, key) }))
      .filter(({ points }) => points.length > 0);
    return curves.length > 0 ? [{ title, curves }] : [];
  });

/** A number of an axis or legend. @example shortNumber(0.00012345) // "1.23e-4" */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(2);
  return String(+value.toPrecision(4));
}

/** Smallest and largest step and value of all curves; a flat curve gets room above and below. */
export function extentOf({ curves }: Chart): { steps: [number, number]; values: [number, number] } {
  const points = curves.flatMap((c) => c.points);
  const range = (of: (p: Point) => number): [number, number] =>
    points.reduce<[number, number]>(
      ([low, high], p) => [Math.min(low, of(p)), Math.max(high, of(p))],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    );
  const [low, high] = range((p) => p.value);
  const room = low === high ? Math.abs(low) * 0.05 || 1 : 0;
  return { steps: range((p) => p.step), values: [low - room, high + room] };
}
