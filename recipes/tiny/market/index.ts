/** @file The door of the market: drawn price boards, questions about them, and how answers are scored. */

export { type AskOptions, askAbout } from "./ask-about.ts";
export type { Board, Cell, OtherPicture, PlainPicture, PriceBoard } from "./board.ts";
export { type FilledCell, filledCells } from "./board.ts";
export { constantAnswers } from "./constant-answers.ts";
export { marketCorpus } from "./corpus.ts";
export { describe } from "./describe.ts";
export { type DrawBoardOptions, type DrawnBoard, drawBoard } from "./draw-board.ts";
export {
  type DrawBoardsOptions,
  drawBoards,
  type PictureChoice,
  type SeededBoard,
  type SeededLargeBoard,
} from "./draw-boards.ts";
export { type DrawnLargeBoard, drawLargeBoard, isCut } from "./draw-large-board.ts";
export { type DrawnSheet, drawSheet } from "./draw-sheet.ts";
export { missingSystemFonts } from "./fonts.ts";
export { type Kind, kinds } from "./kinds.ts";
export { type MarketRow, type MarketTaskOptions, marketTask } from "./market-task.ts";
export { LABELS_PER_PATCH } from "./marks.ts";
export { askCell, askMissing, pickForm, placeForms, subjectOf, turnOf } from "./ordinary/about-cell.ts";
export { conversationsAbout, type Placing, toMessages, withPictures } from "./ordinary/conversations.ts";
export { converse } from "./ordinary/converse.ts";
export { askForJson } from "./ordinary/json-questions.ts";
export { looseQuestion } from "./ordinary/other-words.ts";
export { asPeopleAsk } from "./ordinary/phrasing.ts";
export { hasGoods, type Turn } from "./ordinary/turn.ts";
export { patchClasses, placeOfLabel } from "./patch-classes.ts";
export { type Family, families, type Gold, type Question } from "./questions/question.ts";
export { createRandom, mixSeed, type Random } from "./random.ts";
export { type SampleBoardOptions, sampleBoard } from "./sample-board.ts";
export {
  type MarketSample,
  type MarketSampleOptions,
  marketSamples,
  type Stage,
  trainingSeed,
} from "./samples.ts";
export { finalPart } from "./score/final-part.ts";
export { isDenial } from "./score/read-values.ts";
export { scoreAnswer } from "./score/score-answer.ts";
export { type SmallTalk, smallTalk } from "./small-talk.ts";
export { type Split, seedRanges, type World } from "./splits.ts";
export { chineseNumber, englishOrdinal, type Language, nameOf } from "./words.ts";
