/** @file Door of generation: options, results, and answers under construction. */

export { AnswerBuilder, type AnswerLimits } from "./answer-builder.ts";
export { type AnswerPart, AnswerSplitter, type SplitOptions } from "./answer-splitter.ts";
export {
  type AnswerSettings,
  answerSettings,
  type FinishReason,
  type GenerateOptions,
  type GenerateResult,
  type StreamPart,
  type Timings,
  type TokenPart,
  type Usage,
} from "./generate-options.ts";
export { PartQueue } from "./part-queue.ts";
export type { ToolOptions } from "./tool-options.ts";
