/** @file Parquet by row number: the file is read once, its pictures stay encoded in memory until they are asked for. */

import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { TrainingInputError } from "../../input-error.ts";
import type { RowSource } from "./row-source.ts";

/**
 * Rows are visited in random order, while Parquet is decoded a whole row group at a time; so all rows are kept. More than
 * this does not fit beside a model in training.
 */
const LARGEST_FILE = 4 * 2 ** 30;

/** Opens a Parquet file. @throws Error when it is too large or not Parquet */
export async function openParquetRows(path: string): Promise<RowSource> {
  const file = await asyncBufferFromFile(path);
  if (file.byteLength > LARGEST_FILE)
    throw new TrainingInputError(
      `${path} has ${file.byteLength} bytes, at most ${LARGEST_FILE} are kept in memory: split it, or name picture files from a .jsonl`,
    );
  let rows: Record<string, unknown>[];
  try {
    const metadata = await parquetMetadataAsync(file);
    rows = await parquetReadObjects({ file, metadata, compressors, utf8: false });
  } catch (error) {
    throw new TrainingInputError(`${path} is not Parquet that can be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return {
    path,
    length: rows.length,
    place: (i) => `${path}, row ${i + 1}`,
    row: async (i) => rows[i],
    close: async () => {},
  };
}
