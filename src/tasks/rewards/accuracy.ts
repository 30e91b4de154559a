/** @file The accuracy reward: what a task's own scorer says. */

import type { Task } from "../task.ts";

/**
 * The score of an answer as a reward in 0..1.
 * @param partial true pays the part that is right, false only a whole right answer
 * @example accuracyReward(task, row, "<think>…</think><answer>¥10.5</answer>")
 */
export function accuracyReward<Row>(task: Task<Row>, row: Row, answer: string, partial = false): number {
  const score = task.score(row, answer);
  return partial ? score.value : Number(score.correct);
}
