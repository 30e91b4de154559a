/** @file Options of an answer, what they come to when they are checked, and results. */

import { refuseUnknown } from "../../common/index.ts";
import type { PictureLimits, ToolDefinition } from "../../processor/core.ts";
import type { SchemaInput, Structure } from "../constraint/index.ts";
import {
  type LogprobRequest,
  type SamplingOptions,
  type SamplingSettings,
  samplingSettings,
  type TokenLogprob,
} from "../sampling/index.ts";
import {
  type PromptLookupOptions,
  type PromptLookupSettings,
  promptLookupSettings,
} from "../schedule/prompt-lookup.ts";
import { afterReasoning } from "./after-reasoning.ts";
import { checkedStops } from "./stop-matcher.ts";
import { type ToolOptions, toolSettings } from "./tool-options.ts";

/** Most alternatives listed per token, as in the OpenAI API. */
const MAX_TOP_LOGPROBS = 20;

export interface GenerateOptions extends SamplingOptions, PictureLimits, ToolOptions {
  /** Limit on the answer's tokens. Default: the model's, 256 for FlashVL, or what the context leaves. */
  maxNewTokens?: number;
  /** The answer ends before the first of these strings. */
  stop?: readonly string[];
  /** Go on after an end token, up to the limit; for measurements. */
  ignoreEndTokens?: boolean;
  /** Report the log-probability of each token. */
  logprobs?: boolean;
  /** Also report the likeliest tokens at each place, at most 20. */
  topLogprobs?: number;
  /** Log-probabilities are of logits divided by this. Default 1, the model's own distribution. */
  logprobTemperature?: number;
  /** Holds the answer to a JSON schema or a zod type; true for any JSON object. */
  schema?: SchemaInput;
  /** Holds the answer to another form, such as fixed words around JSON; instead of `schema`. */
  structure?: Structure;
  /**
   * With `schema` or calls of tools: the answer may begin with `<think>…</think>`, which is held to nothing, and what is held
   * to the form may then stand in `<answer>…</answer>`. For models that reason first. Default false.
   */
  reasonFirst?: boolean;
  /**
   * Guesses the next tokens from what prompt and answer said before, and checks several in one step. The answer is the
   * same; copying and lists come faster. Off by default: text that repeats nothing gains nothing.
   */
  promptLookup?: boolean | PromptLookupOptions;
  signal?: AbortSignal;
  /** Replaces the model's own system text; null for no system turn. */
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
  /** Tiles that pictures were cut into, thumbnails counted; as many as pictures where the model does not tile. */
  imageTiles?: number;
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
  /** Which of the request's stop strings ended the answer, where one did. */
  stopString?: string;
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

/** Every option, so that others can be refused. */
const OPTIONS: Readonly<Record<keyof GenerateOptions, true>> = {
  doSample: true,
  temperature: true,
  topK: true,
  topP: true,
  minP: true,
  repetitionPenalty: true,
  presencePenalty: true,
  frequencyPenalty: true,
  logitBias: true,
  seed: true,
  logitsProcessor: true,
  maxNewTokens: true,
  stop: true,
  ignoreEndTokens: true,
  logprobs: true,
  topLogprobs: true,
  logprobTemperature: true,
  schema: true,
  structure: true,
  reasonFirst: true,
  tools: true,
  toolChoice: true,
  parallelToolCalls: true,
  promptLookup: true,
  signal: true,
  systemPrompt: true,
  maxTiles: true,
  thumbnail: true,
};
/** What other libraries call them. */
const ALIASES = {
  maxTokens: "maxNewTokens",
  maxOutputTokens: "maxNewTokens",
  maxCompletionTokens: "maxNewTokens",
  maxLength: "maxNewTokens",
  stopSequences: "stop",
  system: "systemPrompt",
  responseFormat: "schema",
  sample: "doSample",
  abortSignal: "signal",
};

/** The options of an answer, checked and complete: what a request carries from its plan to its last token. */
export interface AnswerSettings {
  sampling: SamplingSettings;
  /** Undefined for what the context leaves. */
  maxNewTokens: number | undefined;
  stop: readonly string[];
  /** Ends the answer too, but is none of the request's own stop strings. */
  callStop: readonly string[];
  ignoreEndTokens: boolean;
  /** Undefined where none are reported. */
  logprobs: LogprobRequest | undefined;
  lookup: PromptLookupSettings | undefined;
  /** The form that the answer is held to. */
  structure: Structure | undefined;
  /** The tools that the prompt describes. */
  tools: readonly ToolDefinition[];
}

/**
 * @throws TypeError for an option that does not exist, with the one that was probably meant
 * @throws RangeError or TypeError naming the option, what was found and what is allowed.
 */
export function answerSettings(options: GenerateOptions, vocabSize: number): AnswerSettings {
  refuseUnknown("option", options, Object.keys(OPTIONS), ALIASES);
  const { logprobs, logprobTemperature = 1, promptLookup, schema, structure } = options;
  if (schema !== undefined && structure !== undefined)
    throw new RangeError("An answer is held to schema or to structure, not to both; leave one out.");
  const top = options.topLogprobs ?? 0;
  const maxNewTokens = options.maxNewTokens ?? undefined;
  if (maxNewTokens !== undefined && !(Number.isInteger(maxNewTokens) && maxNewTokens >= 1))
    throw new RangeError(`maxNewTokens must be a whole number >= 1; found ${maxNewTokens}.`);
  if (!(Number.isInteger(top) && top >= 0 && top <= MAX_TOP_LOGPROBS))
    throw new RangeError(`topLogprobs must be a whole number from 0 to ${MAX_TOP_LOGPROBS}; found ${top}.`);
  if (!(logprobTemperature > 0 && Number.isFinite(logprobTemperature)))
    throw new RangeError(`logprobTemperature must be a number above 0; found ${logprobTemperature}.`);
  const answer = structure ?? (schema === undefined ? undefined : { json: schema });
  const held = toolSettings(options, answer);
  return {
    sampling: samplingSettings(options, vocabSize),
    maxNewTokens,
    stop: checkedStops(options.stop ?? []),
    callStop: held.stop,
    ignoreEndTokens: options.ignoreEndTokens ?? false,
    logprobs: logprobs || top > 0 ? { top, temperature: logprobTemperature } : undefined,
    lookup: promptLookup ? promptLookupSettings(promptLookup === true ? {} : promptLookup) : undefined,
    structure: held.structure && options.reasonFirst ? afterReasoning(held.structure, answer) : held.structure,
    tools: held.tools,
  };
}
