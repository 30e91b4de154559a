/** @file Which curves of a run are worth a look, and in which order. */

import { type MetricsRow, type Point, seriesOf } from "./read-metrics.ts";

export interface Curve {
  readonly label: string;
  readonly points: readonly Point[];
}

export interface Chart {
  readonly title: string;
  readonly curves: readonly Curve[];
  /** Values may be drawn by their logarithm: they are where they span more than a decade. */
  readonly log?: boolean;
  /** The step at which the run is to end, which the drawing leaves room for. */
  readonly until?: number;
}

/** Charts whose values fall or rise by factors. */
const BY_FACTORS = new Set(["loss", "lessons", "learning rate", "gradient norm", "KL to the reference"]);
/** Values that span less are read more easily on a linear scale. */
const DECADE = 10;

const CHARTS: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["loss", { loss: "training", eval_loss: "validation" }],
  ["reward", { reward: "mean", reward_std: "std", eval_reward: "held out" }],
  [
    "accuracy",
    {
      mean_token_accuracy: "tokens, training",
      eval_token_accuracy: "tokens, validation",
      eval_accuracy: "answers, held out",
      eval_exact: "answers word for word, held out",
      eval_score: "answers by your score, held out",
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

/** The charts for which the run has numbers. @param until the step at which it is to end */
export const chartsOf = (rows: readonly MetricsRow[], until?: number): Chart[] =>
  [...CHARTS.slice(0, 2), ...rewardsByFunction(rows), ...CHARTS.slice(2)].flatMap(([title, keys]) => {
    const curves = Object.entries(keys)
      .map(([key, label]) => ({ label, points: seriesOf(rows, key) }))
      .filter(({ points }) => points.length > 0);
    return curves.length > 0 ? [{ title, curves, log: BY_FACTORS.has(title), until }] : [];
  });

/** A number of an axis or legend. @example shortNumber(0.00012345) // "1.23e-4" */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(2);
  return String(+value.toPrecision(4));
}

/** Where a chart's points lie: shares of its width and of its height, from the left and from below. */
export interface Axes {
  readonly steps: readonly [number, number];
  readonly values: readonly [number, number];
  readonly isLog: boolean;
  across(step: number): number;
  up(value: number): number;
  /** The value at a share of the height. */
  at(share: number): number;
}

/** All steps and values of the curves, and the steps to come; a flat curve gets room above and below. */
export function axesOf({ curves, log, until }: Chart): Axes {
  const points = curves.flatMap((c) => c.points);
  const range = (of: (p: Point) => number): [number, number] =>
    points.reduce<[number, number]>(
      ([low, high], p) => [Math.min(low, of(p)), Math.max(high, of(p))],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    );
  const [first, last] = range((p) => p.step);
  const steps = [first, Math.max(last, until ?? last)] as const;
  const extent = range((p) => p.value);
  const room = extent[0] === extent[1] ? Math.abs(extent[0]) * 0.05 || 1 : 0;
  const [low, high] = [extent[0] - room, extent[1] + room];
  const isLog = log === true && low > 0 && high / low >= DECADE;
  const [scaled, back] = isLog ? [Math.log, Math.exp] : [Number, Number];
  const [bottom, top] = [scaled(low), scaled(high)];
  return {
    steps,
    values: [low, high],
    isLog,
    across: (step) => (step - steps[0]) / (steps[1] - steps[0] || 1),
    up: (value) => (scaled(value) - bottom) / (top - bottom),
    at: (share) => back(bottom + share * (top - bottom)),
  };
}
