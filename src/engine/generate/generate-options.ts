/** @file Options and results of answering, and the check of what does not belong to sampling. */
import type { SchemaInput } from "../constraint/index.ts";
import type { SamplingOptions, TokenLogprob } from "../sampling/index.ts";
import { type PromptLookupOptions, promptLookupSettings } from "../schedule/prompt-lookup.ts";

/** New tokens when the caller names no limit: what the published model card uses. */
export const DEFAULT_MAX_NEW_TOKENS = 256;
/** Most alternatives listed per token, as in the OpenAI API. */
const MAX_TOP_LOGPROBS = 20;

export interface GenerateOptions extends SamplingOptions {
  /** Limit on the answer's tokens. Default 256, or what the context leaves. */
  maxNewTokens?: number;
  /** The answer ends before the first of these strings. */
  stop?: readonly string[];
  /** Report the log-probability of each token. */
  logprobs?: boolean;
  /** Also report the likeliest tokens at each place, at most 20. */
  topLogprobs?: number;
  /** Log-probabilities are of logits divided by this. Default 1, the model's own distribution. */
  logprobTemperature?: number;
  /** Holds the answer to a JSON schema or a zod type; true for any JSON object. */
  schema?: SchemaInput;
  /**
   * Guesses the next tokens from what prompt and answer said before, and checks several in one step. The answer is the
   * same; copying and lists come faster. Off by default: text that repeats nothing gains nothing.
   */
  promptLookup?: boolean | PromptLookupOptions;
  signal?: AbortSignal;
  /** Replaces "You are a helpful assistant."; null for no system turn. */
  systemPrompt?: string | null;
}

/** Why an answer ended: a stop string or end token, the limit, or its signal. */
export type FinishReason = "stop" | "length" | "abort";

export interface Usage {
  promptTokens: number;
  completionTokens: number;
  /** Prompt tokens whose keys and values were known already. */
  cachedTokens: number;
  /** Prompt tokens that stand for pictures. */
  imageTokens: number;
  /** Tokens guessed by prompt lookup, where it was asked for. */
  draftedTokens?: number;
  /** Guesses that the model chose too. */
  acceptedTokens?: number;
}

/** Milliseconds. */
export interface Timings {
  /** Loading and encoding pictures. */
  imageMs: number;
  /** Waiting for a slot. */
  queueMs: number;
  /** From the slot to the first token. */
  prefillMs: number;
  /** From the call to the first token. */
  timeToFirstTokenMs: number;
  /** From the first token to the last. */
  decodeMs: number;
  /** decodeMs per token after the first. */
  perTokenMs: number;
  totalMs: number;
}

export interface GenerateResult {
  text: string;
  /** Every chosen token, the end token too. */
  tokens: number[];
  /** One per token, if asked for. */
  logprobs?: number[];
  /** The likeliest tokens at each place, if asked for. */
  topLogprobs?: TokenLogprob[][];
  finishReason: FinishReason;
  usage: Usage;
  timings: Timings;
}

/** One token's worth of an answer: `text` is empty while a character or a possible stop string is incomplete. */
export interface TokenPart {
  done?: false;
  text: string;
  token?: number;
  logprob?: number;
  topLogprobs?: TokenLogprob[];
}

/** A piece of an answer; the last one carries the result. */
export type StreamPart = TokenPart | { done: true; text: string; result: GenerateResult };

/** @throws RangeError naming the option, what was found and what is allowed. */
export function checkGenerateOptions(options: GenerateOptions): void {
  const { maxNewTokens, topLogprobs, logprobTemperature, promptLookup } = options;
  if (typeof promptLookup === "object") promptLookupSettings(promptLookup);
  if (maxNewTokens !== undefined && !(Number.isInteger(maxNewTokens) && maxNewTokens >= 1)) {
    throw new RangeError(`maxNewTokens must be a whole number >= 1; found ${maxNewTokens}.`);
  }
  const topFits = topLogprobs === undefined || (Number.isInteger(topLogprobs) && topLogprobs >= 0);
  if (!topFits || (topLogprobs ?? 0) > MAX_TOP_LOGPROBS) {
    throw new RangeError(`topLogprobs must be a whole number from 0 to ${MAX_TOP_LOGPROBS}; found ${topLogprobs}.`);
  }
  if (logprobTemperature !== undefined && !(logprobTemperature > 0 && Number.isFinite(logprobTemperature))) {
    throw new RangeError(`logprobTemperature must be a number above 0; found ${logprobTemperature}.`);
  }
}
