/** @file What the server needs from a model: the part of `FlashVL` that it uses, so that anything with the same shape can be served. */
import type {
  GenerateOptions,
  GenerateResult,
  ModelCard,
  ModelStats,
  RawPrompt,
  TokenLogprob,
  TokenPart,
} from "../engine/index.ts";
import type { Message, Tokenizer } from "../processor/index.ts";

/** A token of the answer with its logprob and, if asked for, the likeliest tokens at its place. */
export interface AnswerToken extends TokenLogprob {
  topLogprobs?: TokenLogprob[];
}

/** What is known when an answer is complete. */
export type ChatResult = Pick<GenerateResult, "text" | "tokens" | "finishReason" | "stopString" | "usage">;

/** A piece of an answer while it is written; the last part has `done: true` and carries the result. */
export type ChatPart = TokenPart | { done: true; result: ChatResult };

/** Where the decoder looked when it wrote one token: one weight per picture token, row by row. */
export interface AttentionMap {
  /** Rows and columns of the map; rows × columns = picture tokens of one picture. */
  rows: number;
  columns: number;
  /** What each map shows; where absent, each is one picture's. */
  grids?: readonly { rows: number; columns: number; picture: number; thumbnail: boolean }[];
  /** A map for each picture, and one more for its thumbnail, [rows × columns]; a picture's sum up to the share of attention on it. */
  maps: Float32Array[];
}

/** The model behind the server. `FlashVL` satisfies it; a test may pass a scripted one. */
export interface ChatModel {
  readonly info: { readonly maxContext: number };
  /** What the model's folder says of it. */
  readonly card?: ModelCard;
  readonly tokenizer: Pick<Tokenizer, "decode" | "encodeSteps" | "tokenBytes" | "vocabSize">;
  /** Streams an answer. Pictures stand in the messages, so the first argument is always null here. */
  stream(image: null, messages: Message[] | RawPrompt, options?: GenerateOptions): AsyncIterable<ChatPart>;
  /** Tokens of the prompt that a conversation becomes. */
  countTokens?(messages: Message[], options?: GenerateOptions): Promise<number>;
  /** Checks options and compiles what they hold an answer to; throws what {@link stream} would throw. */
  checkOptions?(options: GenerateOptions): Promise<void> | void;
  /** Computes where token `index` of `answer` looked; present only where the engine offers it. */
  attention?(
    messages: Message[],
    answer: string | readonly number[],
    index: number,
    signal?: AbortSignal,
  ): Promise<AttentionMap>;
  /** The engine's load and the fills of its caches, for the metrics. */
  stats?(): EngineStats;
}

/** Counters and gauges of the engine that the metrics page shows. */
export type EngineStats = Pick<ModelStats, "running" | "kvUsage" | "imageQueries" | "imageHits"> &
  Partial<Pick<ModelStats, "kvTokens">>;
