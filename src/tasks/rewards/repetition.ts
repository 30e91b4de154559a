/** @file The repetition penalty: the share of n-grams that were there before. */

/**
 * `maxPenalty * (1 - different n-grams / all n-grams)`; 0 for a text shorter than n (Yeo et al. 2025, "Demystifying Long
 * Chain-of-Thought Reasoning"; TRL's `get_repetition_penalty_reward`).
 * @param tokens completion token ids
 * @param n n-gram length
 * @param maxPenalty the penalty of endless repetition, at most 0
 * @throws RangeError for n below 1 or a positive penalty
 * @example repetitionReward([1, 2, 1, 2], 2, -1) // -1/3
 */
export function repetitionReward(tokens: readonly number[], n: number, maxPenalty: number): number {
  if (!(Number.isInteger(n) && n >= 1))
    throw new RangeError(`The n-gram length must be a whole number from 1, but is ${n}.`);
  if (!(maxPenalty <= 0)) throw new RangeError(`The penalty must be 0 or negative, but is ${maxPenalty}.`);
  const total = tokens.length - n + 1;
  if (total <= 0) return 0;
  const different = new Set<string>();
  for (let i = 0; i < total; i++) different.add(tokens.slice(i, i + n).join(" "));
  return maxPenalty * (1 - different.size / total);
}
