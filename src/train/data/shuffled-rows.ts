/** @file Rows of a data file in an order of their own for each epoch: too long ones left out, bad ones named. */

import { TrainingInputError } from "../input-error.ts";
import { TrainingRandom } from "../random.ts";
import { openRows, type RowSource } from "./rows/row-source.ts";

export interface ShuffledRowsOptions {
  /** .jsonl or .parquet. */
  readonly file: string;
  readonly seed: number;
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

/** Thrown for a row that is well-formed but does not fit: it is left out and counted, whatever is done with bad rows. */
export class TooLong extends Error {}

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

/** A data file, open, with what makes an item of a row. */
export class ShuffledRows<Item> {
  readonly #source: RowSource;
  readonly #options: ShuffledRowsOptions;
  readonly #read: (row: unknown) => Promise<Item>;
  readonly #rows: ArrayLike<number>;
  readonly #dropped = new Map<number, DroppedRow>();

  private constructor(source: RowSource, options: ShuffledRowsOptions, read: (row: unknown) => Promise<Item>) {
    this.#source = source;
    this.#options = options;
    this.#read = read;
    this.#rows = options.rows ?? Int32Array.from({ length: source.length }, (_, i) => i);
  }

  /**
   * @param read makes an item of a parsed row; throws TooLong for one that does not fit, any other error for a bad one
   * @throws Error when the file cannot be read or has no rows
   */
  static async open<Item>(
    options: ShuffledRowsOptions,
    read: (row: unknown) => Promise<Item>,
  ): Promise<ShuffledRows<Item>> {
    return new ShuffledRows(await openRows(options.file), options, read);
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

  /** The item of row `index`, or undefined where it is left out. @throws BadRowError where bad rows stop the run */
  async item(index: number): Promise<Item | undefined> {
    if (this.#dropped.has(index)) return undefined;
    const place = this.#source.place(index);
    try {
      return await this.#read(await this.#source.row(index));
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

  /**
   * Items from number `start` on, without end: item n is row n of epoch ⌊n / length⌋ in that epoch's order, undefined where
   * the row is left out, so that numbers do not depend on what was read before.
   * @throws BadRowError naming file and line; Error when an epoch has nothing to train on
   */
  async *items(start: number): AsyncGenerator<Item | undefined> {
    for (let at = start; ; ) {
      const epoch = Math.floor(at / this.length);
      const order = permutationOf(this.length, this.#options.seed, epoch);
      const wholeEpoch = at % this.length === 0;
      let used = 0;
      for (; at < (epoch + 1) * this.length; at++) {
        const item = await this.item(this.#rows[order[at % this.length]!]!);
        if (item !== undefined) used++;
        yield item;
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
 * @throws TrainingInputError when nothing would be left to train on
 */
export function splitRows(length: number, held: number, seed: number): { train: Int32Array; validation: Int32Array } {
  if (held >= length)
    throw new TrainingInputError(`${held} rows for validation leave nothing of ${length} to train on: hold fewer back`);
  const order = permutationOf(length, seed, SPLIT_EPOCH);
  return { validation: order.slice(0, held).sort(), train: order.slice(held).sort() };
}
