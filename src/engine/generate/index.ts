/** @file Door of generation: options, results, and answers under construction. */
export { Answer, type AnswerLimits } from "./answer.ts";
export {
  checkGenerateOptions,
  DEFAULT_MAX_NEW_TOKENS,
  type FinishReason,
  type GenerateOptions,
  type GenerateResult,
  type StreamPart,
  type Timings,
  type TokenPart,
  type Usage,
} from "./generate-options.ts";
export { PartQueue } from "./part-queue.ts";
export { StopMatcher } from "./stop-matcher.ts";
