/** @file Which rows of files are held out for validation. */

import { TrainingInputError } from "../input-error.ts";
import { openRows } from "./rows/open-rows.ts";
import { splitRows, type WeightedFile } from "./shuffled-rows.ts";

/** Rows that are held out at most where a recipe does not say. */
const USUAL = 64;

/**
 * How many of `rows` are held out.
 * @param samples a number of rows, or a share of them; when left out a fifth, at most 64
 * @example heldOutCount(undefined, 50) // 10
 */
export function heldOutCount(samples: number | undefined, rows: number): number {
  if (samples === undefined) return Math.min(USUAL, Math.max(1, Math.round(rows / 5)));
  return samples < 1 ? Math.max(1, Math.round(samples * rows)) : Math.min(samples, rows);
}

/**
 * Splits the rows of files by the seed.
 * @throws TrainingInputError when nothing would be left to train on
 */
export async function heldOutRows(
  files: readonly WeightedFile[],
  samples: number | undefined,
  seed: number,
  signal: AbortSignal | undefined,
): Promise<{ train: Int32Array; validation: Int32Array }> {
  let count = 0;
  for (const { file } of files) {
    const rows = await openRows(file, signal);
    await rows.close();
    count += rows.length;
  }
  return splitRows(count, heldOutCount(samples, count), seed);
}

/** Rows of a file as samples of one kind; a row that cannot be used is undefined. */
export interface RowItems<Item> {
  readonly rows: number;
  item(row: number): Promise<Item | undefined>;
  close(): Promise<void>;
}

/**
 * What validation asks about: rows held out of the training files, or the first ones of a file of its own.
 * @param split held-out rows of `train`; undefined where there is no such split
 * @param openOwn opens validation's own file; undefined where it has none
 */
export async function heldOutItems<Item>(
  train: Pick<RowItems<Item>, "item">,
  split: Iterable<number> | undefined,
  samples: number | undefined,
  openOwn: (() => Promise<RowItems<Item>>) | undefined,
): Promise<Item[]> {
  const items: Item[] = [];
  const add = (item: Item | undefined) => void (item && items.push(item));
  if (split) for (const row of split) add(await train.item(row));
  else if (openOwn) {
    const file = await openOwn();
    try {
      for (let i = 0; i < heldOutCount(samples, file.rows); i++) add(await file.item(i));
    } finally {
      await file.close();
    }
  }
  if (items.length === 0) throw new TrainingInputError("no validation row can be used: see the rows left out");
  return items;
}
