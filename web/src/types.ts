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
  logprob: number;
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
  tokens: Token[];
  stats?: Stats;
  /** Why it ended: as the server says, or "cancelled" by the reader, or "failed" with `error`. */
  ending?: "stop" | "length" | "abort" | "cancelled" | "failed";
  error?: string;
}

export type Turn = UserTurn | ModelTurn;

/** A conversation as it is kept in the browser. */
export interface Conversation {
  id: string;
  updated: number;
  turns: Turn[];
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
  limits: { pictures: number; pictureBytes: number; tokens: number; defaultTokens: number };
}
