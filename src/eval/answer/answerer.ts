/** @file Whatever answers questions about pictures: our model, an endpoint, or a file of earlier predictions. */
import type { ImageInput, Message } from "../../processor/index.ts";

/** One question. `key` names the row in records. */
export interface AnswerRequest {
  key: string;
  images: ImageInput[];
  messages: Message[];
}

export interface Answer {
  key: string;
  text: string;
  /** Set instead of a text when there is no answer; such a row is asked again on the next run. */
  error?: string;
  milliseconds: number;
  completionTokens?: number;
}

/** The one interface behind which models are measured. */
export interface Answerer {
  /** For file names and reports. */
  readonly name: string;
  /** What the caller chose and a resumed run must agree on: model, revision, generation settings. */
  readonly settings: Readonly<Record<string, string | number | boolean | null>>;
  /** What the model is by content, such as a hash of its weights: where it changes under the same settings, a new run begins. */
  identity?(): Promise<Readonly<Record<string, string>>>;
  /** Answers in any order; a failed question gives an answer with `error`, it does not end the stream. */
  answer(requests: AsyncIterable<AnswerRequest>, options: { signal?: AbortSignal }): AsyncIterable<Answer>;
  close(): Promise<void>;
}
