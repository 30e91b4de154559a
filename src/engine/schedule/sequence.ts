/** @file One request as the scheduler sees it: tokens to feed, and what is to be done when they are. */
import type { EncodedImage } from "../run/vision-encoder.ts";
import type { Choice, LogitRow, Sampler } from "../sampling/index.ts";
import type { KvSlot } from "./kv-slots.ts";
import type { PromptLookup } from "./prompt-lookup.ts";

/** What is submitted. */
export type SequenceRequest = AnswerSequence | ObservedSequence;

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
  /** Computes what the sampler will need for its next choice; undefined when there is nothing to wait for. */
  prepare?(): Promise<void> | undefined;
  /** Takes each chosen token; false ends the sequence. An exception fails this request alone. */
  accept(choice: Choice): boolean;
  /** Guesses tokens that are then checked several at a time. */
  lookup?: PromptLookup;
}

/** Ends when its tokens are fed, the last of them alone in a run of the decode graph that somebody observes. */
export interface ObservedSequence extends FedTokens {
  kind: "observed";
  /**
   * Surrounds that run.
   * @param run feeds the token
   * @param slot the row of the cache, which holds `length` tokens afterwards
   */
  observe(run: () => Promise<void>, slot: number, length: number): Promise<void>;
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
  slot: KvSlot | undefined;
  /** Tokens still to be fed; one when the sequence is decoding. */
  pending: number[];
  report: SequenceReport;
  /** Logits of its next choice, while what the choice needs is being computed. */
  held?: LogitRow | undefined;
}
