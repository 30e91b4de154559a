/** @file What the main thread and a grammar worker say to each other. */
import type { JsonSchema } from "./check-schema.ts";

/** Given to a worker when it starts. */
export interface GrammarStart {
  /** Vocabulary entries by id in the byte-level alphabet; special tokens and gaps are "". */
  tokens: string[];
  endTokens: number[];
  schema: JsonSchema;
}

/** To the worker. */
export type GrammarRequest =
  | { type: "open"; matcher: number; shared: SharedArrayBuffer }
  /** Accept tokens, then write the next mask and wake whoever waits on the shared flag. */
  | { type: "step"; matcher: number; tokens: number[] }
  | { type: "close"; matcher: number };

/** From the worker: that it has started and now compiles the schema, then whether that could be done. */
export type GrammarReply = { type: "compiling" } | { type: "ready" } | { type: "failed"; message: string };

/** Places in the shared memory of a matcher: a flag, then the mask, one bit per token. */
export const FLAG = 0;
export const MASK = 1;

/** Values of the flag. */
export const WORKING = 0;
export const MASKED = 1;
/** The answer is complete, or a token came that the grammar had forbidden; nothing is masked any more. */
export const ENDED = 2;
