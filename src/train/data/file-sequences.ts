/** @file Training samples from a file of conversations: shuffled anew each epoch, too long rows left out, bad rows named. */

import { dirname } from "node:path";
import { encodeConversation } from "../../processor/index.ts";
import { TrainingInputError } from "../input-error.ts";
import { TrainingRandom } from "../random.ts";
import type { SampleContext } from "./market-source.ts";
import { parseConversation } from "./parse-conversation.ts";
import { PictureCache } from "./picture-cache.ts";
import { openRows, type RowSource } from "./rows/row-source.ts";
import { type Sequence, toSequence } from "./sequence.ts";

export interface FileSequencesOptions {
  /** .jsonl or .parquet. */
  readonly file: string;
  /** What picture paths are relative to; the file's own folder when left out. */
  readonly images?: string;
  readonly seed: number;
  /** Largest sample: tokens with pictures, pictures, trained tokens. */
  readonly limits: { readonly length: number; readonly images: number; readonly labels: number };
  readonly onBadRow: "stop" | "skip";
  /** Rows that are used, all when left out: for a split between training and validation. */
  readonly rows?: ArrayLike<number>;
  /** Told once of each row that is left out. */
  readonly onDropped?: (dropped: DroppedRow) => void;
}

export interface DroppedRow {
  readonly place: string;
  readonly kind: "too long" | "bad";
  readonly reason: string;
}

/** A row that cannot be trained on; the message begins with file and line. */
export class BadRowError extends TrainingInputError {
  override readonly name = "BadRowError";
}

class TooLong extends Error {}

/** The generator's first numbers of neighbouring seeds resemble each other; after so many they do not. */
const WARM_UP = 32;
/** 2³²/φ, odd: spreads epoch numbers over the seeds. */
const SPREAD = 0x9e3779b1;

/** The rows 0 to n-1 in an order that depends on nothing but the seed and the number of the epoch. */
function permutationOf(n: number, seed: number, epoch: number): Int32Array {
  const random = new TrainingRandom((seed ^ Math.imul(epoch + 1, SPREAD)) >>> 0);
  for (let i = 0; i < WARM_UP; i++) random.uniform();
  return random.permutation(n);
}

/** The number under which the split is drawn: no epoch has it. */
const SPLIT_EPOCH = -1;

/** Takes the place in the stream of a row that is left out, so that places do not depend on what was read before. */
const NOTHING: Sequence = { ids: [], positions: [], branches: [], targets: [], pixels: [] };

/** A file of conversations, open. */
export class ConversationFile {
  readonly #source: RowSource;
  readonly #context: SampleContext;
  readonly #options: FileSequencesOptions;
  readonly #pictures: PictureCache;
  readonly #rows: ArrayLike<number>;
  readonly #dropped = new Map<number, DroppedRow>();

  private constructor(source: RowSource, context: SampleContext, options: FileSequencesOptions) {
    this.#source = source;
    this.#context = context;
    this.#options = options;
    this.#pictures = new PictureCache(context.preprocessor);
    this.#rows = options.rows ?? Int32Array.from({ length: source.length }, (_, i) => i);
  }

  /** @throws Error when the file cannot be read or has no rows */
  static async open(context: SampleContext, options: FileSequencesOptions): Promise<ConversationFile> {
    return new ConversationFile(await openRows(options.file), context, options);
  }

  /** Rows of the file. */
  get rows(): number {
    return this.#source.length;
  }

  /** Rows that are used per epoch. */
  get length(): number {
    return this.#rows.length;
  }

  /** Rows left out so far. */
  get dropped(): readonly DroppedRow[] {
    return [...this.#dropped.values()];
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  /** Row `index` as a sample, or undefined where it is left out. @throws BadRowError where bad rows stop the run */
  async sample(index: number): Promise<Sequence | undefined> {
    if (this.#dropped.has(index)) return undefined;
    const place = this.#source.place(index);
    try {
      return await this.#read(index);
    } catch (error) {
      const reason = (error as Error).message;
      const kind = error instanceof TooLong ? "too long" : "bad";
      if (kind === "bad" && this.#options.onBadRow === "stop")
        throw new BadRowError(`${place}: ${reason}`, { cause: error });
      const dropped: DroppedRow = { place, kind, reason };
      this.#dropped.set(index, dropped);
      this.#options.onDropped?.(dropped);
      return undefined;
    }
  }

  async #read(index: number): Promise<Sequence> {
    const { file, images, limits } = this.#options;
    const { tokenizer, imageTokens } = this.#context;
    const messages = parseConversation(await this.#source.row(index), images ?? dirname(file));
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
    return { ...sequence, pixels: await Promise.all(encoded.images.map((image) => this.#pictures.pixels(image))) };
  }

  /** The order of epoch `epoch`: depends on nothing but the seed and the number. */
  #order(epoch: number): Int32Array {
    return permutationOf(this.length, this.#options.seed, epoch);
  }

  /**
   * Samples from number `start` on, without end: sample n is row n of epoch ⌊n / length⌋ in that epoch's order. A row that
   * is left out gives a sample without tokens.
   * @throws BadRowError naming file and line; Error when an epoch has nothing to train on
   */
  async *sequences(start: number): AsyncGenerator<Sequence> {
    let used = 0;
    for (let at = start; ; ) {
      const epoch = Math.floor(at / this.length);
      const order = this.#order(epoch);
      const wholeEpoch = at % this.length === 0;
      for (used = 0; at < (epoch + 1) * this.length; at++) {
        const sample = await this.sample(this.#rows[order[at % this.length]!]!);
        if (sample) used++;
        yield sample ?? NOTHING;
      }
      if (wholeEpoch && used === 0)
        throw new TrainingInputError(
          `${this.#source.path}: none of the ${this.length} rows can be trained on; the first: ${this.dropped[0]?.place}: ${this.dropped[0]?.reason}`,
        );
    }
  }
}

/**
 * Splits the rows of a file by the seed: `held` of them for validation, the others for training; each in file order.
 * @throws RangeError when nothing would be left to train on
 */
export function splitRows(length: number, held: number, seed: number): { train: Int32Array; validation: Int32Array } {
  if (held >= length)
    throw new RangeError(`${held} rows for validation leave nothing of ${length} to train on: hold fewer back`);
  const order = permutationOf(length, seed, SPLIT_EPOCH);
  return { validation: order.slice(0, held).sort(), train: order.slice(held).sort() };
}
