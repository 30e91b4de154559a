/** @file The loss of preference pairs in float64, with its weight for every token, and what a step reports of its pairs. */

import { type Arithmetic, type PreferenceOptions, pairLoss, sftWeight } from "./preference-terms.ts";

/** A number with its derivatives by the log ratios of the chosen and the rejected answer. */
interface Dual {
  readonly value: number;
  readonly chosen: number;
  readonly rejected: number;
}

const constant = (value: number): Dual => ({ value, chosen: 0, rejected: 0 });
/** f(x) with f′. */
const through = (x: Dual, value: number, slope: number): Dual => ({
  value,
  chosen: slope * x.chosen,
  rejected: slope * x.rejected,
});
const sum = (a: Dual, b: Dual, sign = 1): Dual => ({
  value: a.value + sign * b.value,
  chosen: a.chosen + sign * b.chosen,
  rejected: a.rejected + sign * b.rejected,
});
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const DUALS: Arithmetic<Dual> = {
  constant,
  add: (a, b) => sum(a, b),
  sub: (a, b) => sum(a, b, -1),
  mul: (a, b) => ({
    value: a.value * b.value,
    chosen: a.chosen * b.value + a.value * b.chosen,
    rejected: a.rejected * b.value + a.value * b.rejected,
  }),
  atMost: (x, limit) => (x.value > limit ? constant(limit) : x),
  relu: (x) => (x.value > 0 ? x : constant(0)),
  exp: (x) => through(x, Math.exp(x.value), Math.exp(x.value)),
  sigmoid: (x) => through(x, sigmoid(x.value), sigmoid(x.value) * sigmoid(-x.value)),
  logSigmoid: (x) => through(x, Math.min(x.value, 0) - Math.log1p(Math.exp(-Math.abs(x.value))), sigmoid(-x.value)),
};

/** What the model says of one answer; arrays have one entry per token. */
export interface ScoredAnswer {
  readonly logProbs: ArrayLike<number>;
  /** Σ log π_ref over its tokens, each times its weight in `lengthWeights`. */
  readonly reference: number;
  /** log Σ p² over the vocabulary, for WPO's weights. */
  readonly alignment?: ArrayLike<number>;
  /** What is reported beside the loss: the entropy, the mean logit, and 1 where the token is the most likely one. */
  readonly entropy: ArrayLike<number>;
  readonly meanLogit: ArrayLike<number>;
  readonly correct: ArrayLike<number>;
}

export interface ScoredPair {
  readonly chosen: ScoredAnswer;
  readonly rejected: ScoredAnswer;
}

/**
 * How much each token of an answer counts in its sum: 1, and past the length of the shorter answer `ldAlpha` (LD-DPO, arXiv
 * 2409.06411).
 * @example lengthWeights(3, 2, 0.5) // [1, 1, 0.5]
 */
export const lengthWeights = (tokens: number, shorter: number, ldAlpha = 1): number[] =>
  Array.from({ length: tokens }, (_, t) => (t < shorter ? 1 : ldAlpha));

export interface PreferenceStep {
  readonly loss: number;
  /** ∂loss/∂log p of each token, for each pair. */
  readonly weights: readonly { readonly chosen: readonly number[]; readonly rejected: readonly number[] }[];
  /** By TRL's names: rewards and logps are means over pairs, the others over tokens. */
  readonly metrics: PreferenceMetrics;
}

type Sides<Name extends string> = `${Name}/${"chosen" | "rejected"}`;
export type PreferenceMetrics = Readonly<
  Record<
    Sides<"rewards" | "logps" | "logits"> | `rewards/${"accuracies" | "margins"}` | "entropy" | "mean_token_accuracy",
    number
  >
>;

export interface PreferenceStepOptions extends PreferenceOptions {
  readonly ldAlpha?: number;
  /** δ of "bco_pair"; default 0. */
  readonly shift?: number;
}

const mean = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length;

/** Weight of an answer in WPO (arXiv 2406.11827, eq. 2): how likely the model itself is to write it. */
const wpoWeight = ({ logProbs, alignment }: ScoredAnswer): number =>
  alignment ? Math.exp(mean(Array.from(logProbs, (p, t) => p - alignment[t]!))) : 1;

/**
 * Loss of one update over these pairs, their mean, as `preferenceLoss` has it in a graph.
 * @example preferenceStep([pair], { ...options, losses: [{ type: "sigmoid", weight: 1 }] }).metrics["rewards/margins"]
 */
export function preferenceStep(pairs: readonly ScoredPair[], options: PreferenceStepOptions): PreferenceStep {
  const share = 1 / pairs.length;
  const sft = sftWeight(options) / pairs.reduce((n, { chosen }) => n + chosen.logProbs.length, 0);
  const found = pairs.map(({ chosen, rejected }) => {
    const shorter = Math.min(chosen.logProbs.length, rejected.logProbs.length);
    const answers = [chosen, rejected].map((answer) => {
      const { length } = answer.logProbs;
      const weights = lengthWeights(length, shorter, options.ldAlpha);
      const logp = weights.reduce((total, w, t) => total + w * answer.logProbs[t]!, 0);
      return { weights, logp, ratio: logp - answer.reference, inverseLength: constant(1 / Math.max(1, length)) };
    });
    const [c, x] = [answers[0]!, answers[1]!];
    const loss = pairLoss(
      DUALS,
      {
        chosen: { logRatio: { value: c.ratio, chosen: 1, rejected: 0 }, inverseLength: c.inverseLength },
        rejected: { logRatio: { value: x.ratio, chosen: 0, rejected: 1 }, inverseLength: x.inverseLength },
        shift: constant(options.shift ?? 0),
      },
      options,
    );
    const factor = share * wpoWeight(chosen) * wpoWeight(rejected);
    const ownLoss = sft * Array.from(chosen.logProbs).reduce((total, p) => total - p, 0);
    return {
      loss: factor * loss.value + ownLoss,
      weights: {
        chosen: c.weights.map((w) => factor * loss.chosen * w - sft),
        rejected: x.weights.map((w) => factor * loss.rejected * w),
      },
      rewards: { chosen: options.beta * c.ratio, rejected: options.beta * x.ratio },
      logps: { chosen: c.logp, rejected: x.logp },
    };
  });
  const sides = { chosen: pairs.map((p) => p.chosen), rejected: pairs.map((p) => p.rejected) };
  const all = [...sides.chosen, ...sides.rejected];
  const overTokens = (answers: readonly ScoredAnswer[], of: "entropy" | "meanLogit" | "correct"): number =>
    mean(answers.flatMap((answer) => Array.from(answer[of])));
  const over = (of: (pair: (typeof found)[number]) => number): number => mean(found.map(of));
  return {
    loss: found.reduce((total, { loss }) => total + loss, 0),
    weights: found.map(({ weights }) => weights),
    metrics: {
      "rewards/chosen": over(({ rewards }) => rewards.chosen),
      "rewards/rejected": over(({ rewards }) => rewards.rejected),
      "rewards/accuracies": over(({ rewards }) => Number(rewards.chosen > rewards.rejected)),
      "rewards/margins": over(({ rewards }) => rewards.chosen - rewards.rejected),
      "logps/chosen": over(({ logps }) => logps.chosen),
      "logps/rejected": over(({ logps }) => logps.rejected),
      "logits/chosen": overTokens(sides.chosen, "meanLogit"),
      "logits/rejected": overTokens(sides.rejected, "meanLogit"),
      entropy: overTokens(all, "entropy"),
      mean_token_accuracy: overTokens(sides.chosen, "correct"),
    },
  };
}
