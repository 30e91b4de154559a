/** @file Parquet by row number: the file is read once, its pictures stay encoded in memory until they are asked for. */

import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { openTable, TableError, type TableRow } from "../../../tables/index.ts";
import { TrainingInputError } from "../../input-error.ts";
import { type RowSource, rowsInMemory } from "./row-source.ts";

/**
 * Rows are visited in random order, while Parquet is decoded a whole row group at a time; so all rows are kept. More than
 * this does not fit beside a model in training.
 */
const LARGEST_FILE = 4 * 2 ** 30;

/** Opens a Parquet file. @throws Error when it is too large or not Parquet; the signal's reason */
export async function openParquetRows(path: string, signal?: AbortSignal): Promise<RowSource> {
  const { size } = await stat(path);
  if (size > LARGEST_FILE)
    throw new TrainingInputError(
      `${path} has ${size} bytes, at most ${LARGEST_FILE} are kept in memory: split it, or name picture files from a .jsonl`,
    );
  return rowsInMemory(path, dirname(path), await readAll(path, signal));
}

async function readAll(path: string, signal?: AbortSignal): Promise<TableRow[]> {
  const all: TableRow[] = [];
  try {
    const table = await openTable(path, { signal });
    try {
      for await (const rows of table.rows()) for (const row of rows) all.push(row);
    } finally {
      table.close();
    }
  } catch (cause) {
    throw cause instanceof TableError ? new TrainingInputError(cause.message, { cause }) : cause;
  }
  return all;
}
