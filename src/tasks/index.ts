/** @file The door of the tasks room: what a task is, the market that the small model understands, and rewards for RL. */

export { type AskOptions, askAbout } from "./market/ask-about.ts";
export type { Board, Cell, OtherPicture, PlainPicture, PriceBoard } from "./market/board.ts";
export { constantAnswers } from "./market/constant-answers.ts";
export { marketCorpus } from "./market/corpus.ts";
export { describe } from "./market/describe.ts";
export { type DrawBoardOptions, type DrawnBoard, drawBoard } from "./market/draw-board.ts";
export { type DrawBoardsOptions, drawBoards, type SeededBoard } from "./market/draw-boards.ts";
export { type DrawnSheet, drawSheet } from "./market/draw-sheet.ts";
export { type Kind, kinds } from "./market/kinds.ts";
export { type MarketRow, type MarketTaskOptions, marketTask } from "./market/market-task.ts";
export { LABELS_PER_PATCH } from "./market/marks.ts";
export { patchClasses, placeOfLabel } from "./market/patch-classes.ts";
export { type Family, families, type Gold, type Question } from "./market/questions/question.ts";
export { type SampleBoardOptions, sampleBoard } from "./market/sample-board.ts";
export {
  type MarketSample,
  type MarketSampleOptions,
  marketSamples,
  type Stage,
  trainingSeed,
} from "./market/samples.ts";
export { scoreAnswer } from "./market/score/score-answer.ts";
export { type SmallTalk, smallTalk } from "./market/small-talk.ts";
export { type Split, seedRanges } from "./market/splits.ts";
export type { Language } from "./market/words.ts";
export { accuracyReward } from "./rewards/accuracy.ts";
export { thinkAnswerFormatReward, thinkFormatReward } from "./rewards/format.ts";
export { finalAnswer, scoreReference } from "./rewards/reference-answer.ts";
export { repetitionReward } from "./rewards/repetition.ts";
export { softOverlongReward } from "./rewards/soft-overlong.ts";
export type { Score, Task } from "./task.ts";
export * from "./vlmeval/index.ts";
