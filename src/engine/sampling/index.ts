/** @file Door of sampling: from logits to the next token. */
export { Candidates, NoTokenError } from "./candidates.ts";
export { logSumExp, type TokenLogprob, tokenLogprobs } from "./log-probs.ts";
export type { LogitRow } from "./peaks.ts";
export { type Choice, type LogprobRequest, Sampler, type SamplerState } from "./sampler.ts";
export {
  asksForChance,
  type LogitsProcessor,
  type SamplingOptions,
  type SamplingSettings,
  samplingSettings,
} from "./sampling-options.ts";
export { argmax, topIndices } from "./select.ts";
