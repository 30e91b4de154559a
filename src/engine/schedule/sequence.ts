/** @file One request as the scheduler sees it: tokens to feed, and what is to be done when they are. */
import type { EncodedImage } from "../run/vision-encoder.ts";
import type { Choice, Sampler } from "../sampling/index.ts";
import type { PromptLookup } from "./prompt-lookup.ts";
import type { Slot } from "./slots.ts";

/** What is submitted. */
export type SequenceRequest = AnswerSequence | LookSequence;

interface FedTokens {
  /** Prompt with image slots. */
  ids: readonly number[];
  /** The pictures in the order of their slots. */
  images: readonly EncodedImage[];
  signal?: AbortSignal;
}

/** Goes on until its answer ends. */
export interface AnswerSequence extends FedTokens {
  kind: "answer";
  sampler: Sampler;
  /** Takes each chosen token; false ends the sequence. An exception fails this request alone. */
  accept(choice: Choice): boolean;
  /** Guesses tokens that are then checked several at a time. */
  lookup?: PromptLookup;
}

/** Ends when its tokens are fed. */
export interface LookSequence extends FedTokens {
  kind: "look";
  /** Takes where the last token looked: per layer, one weight per token, averaged over the heads. */
  looked(layers: readonly Float32Array[]): void;
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
