/** @file What the server needs from a model: the part of `FlashVL` that it uses, so that anything with the same shape can be served. */

/** A decoded picture: 8-bit RGB, interleaved. */
export interface PictureInput {
  /** [height, width, 3] */
  data: Uint8Array;
  width: number;
  height: number;
}

/** One part of a message: text, or a picture at its place in the text. */
export type ChatContentPart = { type: "text"; text: string } | { type: "image"; image: PictureInput };

/** One turn of a conversation. */
export interface ChatMessage {
  role: "system" | "user" | "assistant";
  content: string | ChatContentPart[];
}

/** How to generate; the names are those of the engine's `GenerateOptions`. */
export interface ChatOptions {
  doSample?: boolean;
  maxNewTokens?: number;
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  repetitionPenalty?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  logitBias?: Record<number, number>;
  seed?: number;
  stop?: string[];
  logprobs?: boolean;
  topLogprobs?: number;
  signal?: AbortSignal;
  /** JSON schema that the answer must fit; `true` is any JSON object. */
  schema?: Record<string, unknown> | true;
}

/** A token with the natural logarithm of its probability. */
export interface ScoredToken {
  token: number;
  logprob: number;
}

/** A token of the answer with its logprob and, if asked for, the likeliest tokens at its place. */
export interface AnswerToken extends ScoredToken {
  topLogprobs?: ScoredToken[];
}

/** How many tokens a request read and wrote. */
export interface ChatUsage {
  promptTokens: number;
  completionTokens: number;
  /** Prompt tokens whose keys and values were found in the prefix cache. */
  cachedTokens: number;
  /** Prompt tokens that stand for pictures. */
  imageTokens: number;
}

/** What is known when an answer is complete. */
export interface ChatResult {
  text: string;
  tokens: number[];
  finishReason: "stop" | "length" | "abort";
  usage: ChatUsage;
}

/** A piece of an answer while it is written; the last part has `done: true` and carries the result. */
export type ChatPart =
  | { done?: false; text: string; token?: number; logprob?: number; topLogprobs?: ScoredToken[] }
  | { done: true; result: ChatResult };

/** Where the decoder looked when it wrote one token: one weight per picture token, row by row. */
export interface AttentionMap {
  /** Rows and columns of the map; rows × columns = picture tokens of one picture. */
  rows: number;
  columns: number;
  /** One map per picture, each [rows × columns], summing to the share of attention that fell on that picture. */
  maps: Float32Array[];
}

/** The model behind the server. `FlashVL` satisfies it; a test may pass a scripted one. */
export interface ChatModel {
  readonly info: { readonly maxContext: number };
  readonly tokenizer: {
    /** Ids to text, special tokens left out. */
    decode(ids: number[]): string;
    /** The UTF-8 bytes of one token; they may be a part of a character only. */
    tokenBytes(id: number): Uint8Array;
    readonly vocabSize: number;
  };
  /** Streams an answer. Pictures stand in the messages, so the first argument is always null here. */
  stream(image: null, messages: ChatMessage[], options?: ChatOptions): AsyncIterable<ChatPart>;
  /** Computes where token `index` of `answer` looked; present only where the engine offers it. */
  attention?(messages: ChatMessage[], answer: string, index: number, signal?: AbortSignal): Promise<AttentionMap>;
  /** Fills of the engine's caches, for the metrics. */
  stats?(): CacheStats;
}

/** Counters and gauges of the engine that the metrics page shows. */
export interface CacheStats {
  /** Share of KV memory in use, 0 to 1. */
  kvUsage: number;
  imageQueries: number;
  imageHits: number;
}
