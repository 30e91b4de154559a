/** @file Rows of a data file in an order of their own for each epoch: too long ones left out, bad ones named. */

import { deriveSeed, Random } from "../../common/index.ts";
import { TrainingInputError } from "../input-error.ts";
import { openRows } from "./rows/open-rows.ts";
import { joinedRows, type RowSource } from "./rows/row-source.ts";

/** One of several files of a data set. */
export interface WeightedFile {
  /** See `openRows`. */
  readonly file: string;
  /** How often its rows are visited in an epoch: 2 for twice, 0.5 for another half of them each time. Default 1. */
  readonly weight?: number;
  /** What paths of pictures in it are relative to; its own folder when left out. */
  readonly images?: string;
}

export interface ShuffledRowsOptions {
  readonly files: readonly WeightedFile[];
  readonly seed: number;
  readonly onBadRow: "stop" | "skip";
  /**
   * Pictures are decoded by who uses the item, see `Sequence.load` and `PromptRow.load`. Not with `onBadRow: skip`: whether a
   * row is left out depends on its pictures.
   */
  readonly lazy?: boolean;
  /** Rows that are used, all when left out: for a split between training and validation. */
  readonly rows?: ArrayLike<number>;
  /** Told once of each row that is left out. */
  readonly onDropped?: (dropped: DroppedRow) => void;
  /** Ends the reading of the file. */
  readonly signal?: AbortSignal;
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

/** The rows 0 to n-1 in an order that depends on nothing but the seed and the number of the epoch. */
export const epochOrder = (n: number, seed: number, epoch: number): Int32Array =>
  new Random(deriveSeed(seed, epoch)).permutation(n);

/** Rows of one file and how often they are visited. */
interface Part {
  readonly rows: readonly number[];
  readonly weight: number;
}

const visitsOf = ({ rows, weight }: Part): number => Math.round(rows.length * weight);

/** The rows of an epoch in their order: whole rounds over each part, and of what is left of its weight others each epoch. */
function epochRows(parts: readonly Part[], seed: number, epoch: number): Int32Array {
  const visits: number[] = [];
  parts.forEach((part, number) => {
    const { rows } = part;
    const rest = visitsOf(part) % rows.length;
    for (let round = 0; round < Math.floor(visitsOf(part) / rows.length); round++)
      for (const row of rows) visits.push(row);
    if (rest > 0) {
      const chosen = new Random(deriveSeed(seed, epoch, number)).permutation(rows.length).subarray(0, rest);
      for (const i of chosen.sort()) visits.push(rows[i]!);
    }
  });
  return epochOrder(visits.length, seed, epoch).map((i) => visits[i]!);
}

/** The number under which the split is drawn: no epoch has it. */
const SPLIT_EPOCH = -1;

/**
 * Makes an item of a parsed row.
 * @param folder that its pictures' paths are relative to
 * @param place file and line, for what is found out about the row later
 * @throws TooLong for one that does not fit, any other error for a bad one
 */
export type ReadRow<Item> = (row: unknown, folder: string, place: string) => Promise<Item>;

/** Work on a row that was put off until now. @throws BadRowError naming file and line where it fails */
export const later = <T>(work: Promise<T>, place: string): Promise<T> =>
  work.catch((error) => {
    throw new BadRowError(`${place}: ${(error as Error).message}`, { cause: error });
  });

/** A data file, open, with what makes an item of a row. */
export class ShuffledRows<Item> {
  readonly #source: RowSource;
  readonly #options: ShuffledRowsOptions;
  readonly #read: ReadRow<Item>;
  readonly #folders: readonly (string | undefined)[];
  readonly #parts: readonly Part[];
  readonly #dropped = new Map<number, DroppedRow>();

  private constructor(sources: readonly RowSource[], options: ShuffledRowsOptions, read: ReadRow<Item>) {
    this.#source = joinedRows(options.files.map(({ file }) => file).join(", "), sources);
    this.#options = options;
    this.#read = read;
    this.#folders = sources.flatMap(({ length }, i) =>
      Array<string | undefined>(length).fill(options.files[i]!.images),
    );
    const used = options.rows && new Set(Array.from(options.rows));
    let start = 0;
    this.#parts = sources.map(({ length }, i) => {
      const rows = Array.from({ length }, (_, k) => start + k).filter((row) => !used || used.has(row));
      start += length;
      return { rows, weight: options.files[i]!.weight ?? 1 };
    });
    if (this.length === 0)
      throw new TrainingInputError(
        `${this.#source.path}: no row is used; raise the weight of a file, or hold fewer rows back.`,
      );
  }

  /**
   * @throws Error when a file cannot be read or has no rows
   */
  static async open<Item>(options: ShuffledRowsOptions, read: ReadRow<Item>): Promise<ShuffledRows<Item>> {
    const sources: RowSource[] = [];
    try {
      for (const { file } of options.files) sources.push(await openRows(file, options.signal));
      return new ShuffledRows(sources, options, read);
    } catch (error) {
      await Promise.all(sources.map((source) => source.close()));
      throw error;
    }
  }

  /** Rows of all files. */
  get rows(): number {
    return this.#source.length;
  }

  /** Rows that are visited in an epoch. */
  get length(): number {
    return this.#parts.reduce((sum, part) => sum + visitsOf(part), 0);
  }

  /** Rows left out so far. */
  get dropped(): readonly DroppedRow[] {
    return [...this.#dropped.values()];
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  #folderOf(index: number): string {
    return this.#folders[index] ?? this.#source.folder(index);
  }

  /**
   * What `read` makes of at most `most` rows, spread over those that are used; without rows of which it makes nothing. None is counted as left out.
   */
  async some<T>(most: number, read: (row: unknown, folder: string) => Promise<T>): Promise<T[]> {
    const used = this.#parts.filter((part) => visitsOf(part) > 0).flatMap(({ rows }) => rows);
    const count = Math.min(most, used.length);
    const found: T[] = [];
    for (let i = 0; i < count; i++) {
      const index = used[Math.floor((i * used.length) / count)]!;
      try {
        found.push(await read(await this.#source.row(index), this.#folderOf(index)));
      } catch {
        // Told of when the row's turn comes.
      }
    }
    return found;
  }

  /** The item of row `index`, or undefined where it is left out. @throws BadRowError where bad rows stop the run */
  async item(index: number): Promise<Item | undefined> {
    if (this.#dropped.has(index)) return undefined;
    const place = this.#source.place(index);
    try {
      return await this.#read(await this.#source.row(index), this.#folderOf(index), place);
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
      const order = epochRows(this.#parts, this.#options.seed, epoch);
      const wholeEpoch = at % this.length === 0;
      let used = 0;
      for (; at < (epoch + 1) * this.length; at++) {
        const item = await this.item(order[at % this.length]!);
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
  const order = epochOrder(length, seed, SPLIT_EPOCH);
  return { validation: order.slice(0, held).sort(), train: order.slice(held).sort() };
}
