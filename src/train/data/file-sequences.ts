/** @file Training samples from a file of conversations: shuffled anew each epoch, too long rows left out, bad rows named. */

import { dirname } from "node:path";
import { encodeConversation } from "../../processor/index.ts";
import type { SampleContext } from "./market-source.ts";
import { parseConversation } from "./parse-conversation.ts";
import { PictureCache } from "./picture-cache.ts";
import { type Sequence, toSequence } from "./sequence.ts";
import { type DroppedRow, ShuffledRows, type ShuffledRowsOptions, TooLong } from "./shuffled-rows.ts";

export interface FileSequencesOptions extends ShuffledRowsOptions {
  /** What picture paths are relative to; the file's own folder when left out. */
  readonly images?: string;
  /** Largest sample: tokens with pictures, pictures, trained tokens. */
  readonly limits: { readonly length: number; readonly images: number; readonly labels: number };
}

/** Takes the place in the stream of a row that is left out. */
const NOTHING: Sequence = { ids: [], positions: [], branches: [], targets: [], pictures: [] };

/** A file of conversations, open. */
export class ConversationFile {
  readonly #rows: ShuffledRows<Sequence>;

  private constructor(rows: ShuffledRows<Sequence>) {
    this.#rows = rows;
  }

  /** @throws Error when the file cannot be read or has no rows */
  static async open(context: SampleContext, options: FileSequencesOptions): Promise<ConversationFile> {
    const pictures = new PictureCache(context.preprocessor);
    return new ConversationFile(await ShuffledRows.open(options, (row) => toSample(row, context, options, pictures)));
  }

  /** Rows of the file. */
  get rows(): number {
    return this.#rows.rows;
  }

  /** Rows that are used per epoch. */
  get length(): number {
    return this.#rows.length;
  }

  /** Rows left out so far. */
  get dropped(): readonly DroppedRow[] {
    return this.#rows.dropped;
  }

  close(): Promise<void> {
    return this.#rows.close();
  }

  /** Row `index` as a sample, or undefined where it is left out. @throws BadRowError where bad rows stop the run */
  sample(index: number): Promise<Sequence | undefined> {
    return this.#rows.item(index);
  }

  /**
   * Samples from number `start` on, without end; a row that is left out gives a sample without tokens.
   * @throws BadRowError naming file and line; Error when an epoch has nothing to train on
   */
  async *sequences(start: number): AsyncGenerator<Sequence> {
    for await (const sample of this.#rows.items(start)) yield sample ?? NOTHING;
  }
}

/** @throws TooLong for a row beyond the limits; Error for one that is no conversation, or has answers beyond the limit */
async function toSample(
  row: unknown,
  { tokenizer, imageTokens }: SampleContext,
  { file, images, limits }: FileSequencesOptions,
  pictures: PictureCache,
): Promise<Sequence> {
  const messages = parseConversation(row, images ?? dirname(file));
  const encoded = encodeConversation(tokenizer, messages, { imageTokens });
  const sequence = toSequence([encoded], []);
  const trained = sequence.targets.length;
  if (trained > Math.min(limits.labels, limits.length))
    throw new Error(
      `the answers have ${trained} tokens, more than the limit of ${Math.min(limits.labels, limits.length)}`,
    );
  const { length } = encoded.ids;
  if (length > limits.length)
    throw new TooLong(
      `${length} tokens (${encoded.images.length} pictures of ${imageTokens}), more than ${limits.length}`,
    );
  if (encoded.images.length > limits.images)
    throw new TooLong(`${encoded.images.length} pictures, more than ${limits.images}`);
  return { ...sequence, pictures: await Promise.all(encoded.images.map((image) => pictures.pixels(image))) };
}
