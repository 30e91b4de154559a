/** @file One request as the scheduler sees it: tokens to feed, a sampler, and somebody who takes the tokens. */
import type { EncodedImage } from "../run/vision-encoder.ts";
import type { Choice, Sampler } from "../sampling/index.ts";
import type { PromptLookup } from "./prompt-lookup.ts";
import type { Slot } from "./slots.ts";

/** What is submitted. */
export interface SequenceRequest {
  /** Prompt with image slots. */
  ids: readonly number[];
  /** The pictures in the order of their slots. */
  images: readonly EncodedImage[];
  sampler: Sampler;
  /** Takes each chosen token; false ends the sequence. An exception fails this request alone. */
  accept(choice: Choice): boolean;
  signal?: AbortSignal;
  /** Guesses tokens that are then checked several at a time. */
  lookup?: PromptLookup;
}

/** What is known of a sequence once it has ended. Times are `performance.now()`. */
export interface SequenceReport {
  cachedTokens: number;
  startedAt: number;
  firstTokenAt: number;
  endedAt: number;
  aborted: boolean;
}

/** A submitted request under way. */
export interface Sequence {
  request: SequenceRequest;
  resolve(report: SequenceReport): void;
  reject(error: unknown): void;
  slot: Slot | undefined;
  /** Tokens still to be fed; one when the sequence is decoding. */
  pending: number[];
  report: SequenceReport;
}
