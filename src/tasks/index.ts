/** @file The door of the tasks room: what a task is, tasks by the path of a module, and rewards for RL. */

export { EquivalenceChecker, equalAnswers } from "./equivalence/checker.ts";
export { importModule } from "./import-module.ts";
export { isTaskReference, loadTask } from "./load-task.ts";
export { finalAnswer, scoreReference } from "./rewards/reference-answer.ts";
export {
  accuracyReward,
  repetitionReward,
  softOverlongReward,
  thinkAnswerFormatReward,
  thinkFormatReward,
} from "./rewards/rewards.ts";
export type { Score, Task } from "./task.ts";
