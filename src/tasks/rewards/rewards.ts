/** @file Rewards of one answer: its task's own score, the tags that were asked for, repetition, and length. */
import type { Task } from "../task.ts";

/**
 * The score of an answer as a reward in 0..1.
 * @param partial true pays the part that is right, false only a whole right answer
 * @example await accuracyReward(task, row, "<think>…</think><answer>¥10.5</answer>")
 */
export async function accuracyReward<Row>(task: Task<Row>, row: Row, answer: string, partial = false): Promise<number> {
  const score = await task.score(row, answer);
  return partial ? score.value : Number(score.correct);
}

/**
 * 1 if the text begins with one `<think>…</think>`, else 0; anything may follow. TRL's `think_format_reward`.
 * @example thinkFormatReward("<think>a</think> so 4") // 1
 */
export function thinkFormatReward(text: string): number {
  return /^<think>(?![\s\S]*<think>)[\s\S]*?<\/think>/.test(text) ? 1 : 0;
}

/**
 * 1 if the whole text is `<think>…</think>`, white space, `<answer>…</answer>`, else 0. VLM-R1's and EasyR1's format reward.
 * @example thinkAnswerFormatReward("<think>a</think><answer>4</answer>") // 1
 */
export function thinkAnswerFormatReward(text: string): number {
  // Python's fullmatch: nothing may follow, not even a final newline.
  return /^<think>[\s\S]*?<\/think>\s*<answer>[\s\S]*?<\/answer>(?![\s\S])/.test(text) ? 1 : 0;
}

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

/**
 * 0 up to `maxLength - margin` tokens, then linearly down to -1 at `maxLength`, and -1 beyond (Yu et al. 2025, DAPO,
 * equation 13; TRL's `get_soft_overlong_punishment`).
 * @param length completion tokens
 * @param maxLength tokens at which the penalty is full
 * @param margin tokens over which it grows
 * @throws RangeError unless 0 < margin <= maxLength
 * @example softOverlongReward(90, 100, 20) // -0.5
 */
export function softOverlongReward(length: number, maxLength: number, margin: number): number {
  if (!(margin > 0 && margin <= maxLength)) {
    throw new RangeError(`The margin must be over 0 and at most maxLength (${maxLength}), but is ${margin}.`);
  }
  const free = maxLength - margin;
  if (length <= free) return 0;
  return length <= maxLength ? (free - length) / margin : -1;
}
