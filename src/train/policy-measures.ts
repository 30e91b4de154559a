/** @file What a policy update reports about itself: how far the policy has moved, and how much of that the clip holds back. */

import type { PolicyLossOptions } from "./loss/policy-loss.ts";

/** An answer that counts; one number per token. */
export interface MeasuredAnswer {
  readonly logProbs: ArrayLike<number>;
  /** Before the update; left out where there is one update per rollout, so that the ratio is 1. */
  readonly old?: ArrayLike<number>;
  /** Of the reference policy; left out where the loss has no KL term. */
  readonly ref?: ArrayLike<number>;
  readonly advantage: number;
}

export interface PolicyMeasures {
  /** Mean over tokens of the KL that the loss weighs: k3, times the ratio where the loss corrects it so. */
  readonly kl: number;
  /** Share of ratios (of tokens, or of sequences at level "sequence") that are clipped from below, and from above. */
  readonly clip_low: number;
  readonly clip_high: number;
}

type Options = Pick<PolicyLossOptions, "kind" | "epsilonLow" | "epsilonHigh" | "level" | "kl">;

/** Ratios outside of these are held back: "cispo" has only an upper bound, on the ratio itself, and "sapo" has none. */
function bounds({ kind, epsilonLow, epsilonHigh }: Options): readonly [number, number] {
  if (kind === "sapo") return [0, Number.POSITIVE_INFINITY];
  return kind === "cispo" ? [0, epsilonHigh] : [1 - epsilonLow, 1 + epsilonHigh];
}

/**
 * The measures of an update, as TRL 1.13 logs them.
 * @example policyMeasures([{ logProbs: [-1], old: [-2], advantage: 1 }], { kind: "clip", epsilonLow: 0.2, … }).clip_high // 1
 */
export function policyMeasures(answers: readonly MeasuredAnswer[], options: Options): PolicyMeasures {
  const [low, high] = bounds(options);
  let [kl, tokens, below, above, ratios] = [0, 0, 0, 0, 0];
  for (const { logProbs, old, ref, advantage } of answers) {
    const logRatios = Array.from(logProbs, (p, t) => p - (old?.[t] ?? p));
    const whole = logRatios.reduce((sum, x) => sum + x, 0) / Math.max(1, logRatios.length);
    const own = (options.level === "sequence" ? logRatios.map(() => whole) : logRatios).map(Math.exp);
    for (const ratio of options.level === "sequence" ? own.slice(0, 1) : own) {
      ratios++;
      if (ratio < low && advantage < 0) below++;
      if (ratio > high && advantage > 0) above++;
    }
    tokens += own.length;
    if (ref)
      own.forEach((ratio, t) => {
        const d = ref[t]! - logProbs[t]!;
        kl += (options.kl === "k3" ? 1 : ratio) * (Math.exp(d) - d - 1);
      });
  }
  const per = Math.max(1, ratios);
  return { kl: kl / Math.max(1, tokens), clip_low: below / per, clip_high: above / per };
}
