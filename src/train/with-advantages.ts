/** @file What a generation batch is worth: advantages, which answers count, and what the log says about rewards. */

import { advantages, normalizeThenSum, type Reward, zeroVarianceShare } from "./advantages.ts";
import type { GrpoRecipe } from "./recipe/schema.ts";
import type { Completion, Group } from "./rollout.ts";

/** An answer with what the update needs to know. */
export interface ScoredCompletion extends Completion {
  readonly advantage: number;
  /** False for truncated answers where those are masked. */
  readonly counts: boolean;
}

export const mean = (xs: readonly number[]): number => (xs.length ? xs.reduce((a, b) => a + b, 0) / xs.length : 0);
export const std = (xs: readonly number[]): number => {
  const m = mean(xs);
  return xs.length > 1 ? Math.sqrt(xs.reduce((s, x) => s + (x - m) ** 2, 0) / (xs.length - 1)) : 0;
};

/** Advantages and masks for the answers of all groups. */
export function withAdvantages<Row>(
  groups: readonly Group<Row>[],
  recipe: GrpoRecipe,
): { group: Group<Row>; answers: ScoredCompletion[] }[] {
  const rewards = groups.flatMap((g) => g.answers.map((a) => a.reward));
  const { groupSize, scaleRewards } = recipe;
  const values =
    scaleRewards === "normalize_then_sum"
      ? normalizeThenSum(
          groups.flatMap((g) => g.answers.map((a) => a.rewards)),
          recipe.rewards.map((r) => r.weight),
          groupSize,
        )
      : advantages(rewards, groupSize, scaleRewards);
  return groups.map((group, g) => ({
    group,
    answers: group.answers.map((answer, i) => ({
      ...answer,
      advantage: values[g * groupSize + i]!,
      counts: !(recipe.maskTruncated && answer.truncated),
    })),
  }));
}

/** The metrics of a batch, in the names that TRL gives them. */
export function rewardMetrics(answers: readonly ScoredCompletion[], names: readonly string[], groupSize: number) {
  const rewards: Reward[] = answers.map((a) => a.reward);
  const lengths = answers.map((a) => a.tokens.length);
  const known = rewards.filter((r): r is number => r !== null);
  return {
    reward: mean(known),
    reward_std: std(known),
    frac_reward_zero_std: zeroVarianceShare(rewards, groupSize),
    ...Object.fromEntries(
      names.flatMap((name, k) => {
        const own = answers.flatMap((a) => a.rewards[k] ?? []);
        return [
          [`rewards/${name}/mean`, mean(own)],
          [`rewards/${name}/std`, std(own)],
        ];
      }),
    ),
    "completions/mean_length": mean(lengths),
    "completions/min_length": Math.min(...lengths),
    "completions/max_length": Math.max(...lengths),
    "completions/clipped_ratio": mean(answers.map((a) => Number(a.truncated))),
  };
}
