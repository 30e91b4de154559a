/** @file What the page keeps: conversations, their turns, and the settings of an answer. */

/** A turn of the user: text and pictures. */
export interface UserTurn {
  role: "user";
  text: string;
  pictures: Blob[];
}

/** A token of an answer as the server reported it. */
export interface Token {
  id: number;
  text: string;
  /** What `text` stands for, since a token may be a part of a character. Missing in older kept conversations. */
  bytes?: number[];
  /** Missing for tokens of the working. */
  logprob?: number;
}

/** Measurements of one answer. */
export interface Stats {
  firstTokenMs: number;
  tokensPerSecond: number;
  tokens: number;
  promptTokens?: number;
  cachedTokens?: number;
}

/** A turn of the model. */
export interface ModelTurn {
  role: "assistant";
  text: string;
  /** The working before the answer, of models that write one. It is not sent again. */
  reasoning?: string;
  tokens: Token[];
  stats?: Stats;
  /** Why it ended: as the server says, or "cancelled" by the reader, or "failed" with `error`. */
  ending?: "stop" | "length" | "abort" | "cancelled" | "failed";
  /** What went wrong, in words. */
  error?: string;
}

export type Turn = UserTurn | ModelTurn;

/** A conversation as it is kept in the browser. */
export interface Conversation {
  id: string;
  updated: number;
  turns: Turn[];
  /** Index of the first turn that is still sent; 0 where it is missing. */
  from?: number;
}

/** How answers are asked for. */
export interface AskSettings {
  temperature: number;
  topP: number;
  maxTokens: number;
  seed?: number;
  system: string;
  schema: string;
}

/** What the server says about itself. */
export interface About {
  model: string;
  needsKey: boolean;
  attention: boolean;
  /** By language, from the model's folder: in a sentence what it reads, and questions that it answers well. */
  reads?: Record<string, string>;
  suggestions?: Record<string, string[]>;
  limits: { pictures: number; pictureBytes: number; tokens: number; defaultTokens: number };
}
