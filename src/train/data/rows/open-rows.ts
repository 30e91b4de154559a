/** @file Opens data files, whatever their format, as rows by number: what shuffled training data needs. */

import { extname } from "node:path";
import { TrainingInputError } from "../../input-error.ts";
import { openCsvRows } from "./csv-rows.ts";
import { findFiles } from "./find-files.ts";
import { openJsonlRows, openJsonRows } from "./jsonl-rows.ts";
import { openParquetRows } from "./parquet-rows.ts";
import { joinedRows, type RowSource } from "./row-source.ts";

const READERS = new Map<string, (path: string, signal?: AbortSignal) => Promise<RowSource>>(
  Object.entries({
    ".jsonl": openJsonlRows,
    ".ndjson": openJsonlRows,
    ".json": openJsonRows,
    ".parquet": openParquetRows,
    ".csv": openCsvRows,
    ".tsv": openCsvRows,
  }),
);

async function openFile(path: string, signal?: AbortSignal): Promise<RowSource> {
  const kind = extname(path).toLowerCase();
  const open = READERS.get(kind);
  if (!open)
    throw new TrainingInputError(
      `${path}: data files end in ${[...READERS.keys()].join(", ")}, found ${kind ? `"${kind}"` : "no ending"}`,
    );
  const source = await open(path, signal);
  if (source.length > 0) return source;
  await source.close();
  throw new TrainingInputError(`${path} has no rows, expected at least one conversation`);
}

/**
 * Opens data by its files' endings: .jsonl or .ndjson (one JSON object per line), .json (an array), .parquet, .csv or .tsv with a
 * header. `path` may be a pattern or a folder, see `findFiles`; the rows of several files stand one after the other.
 * @throws Error when a file is missing, empty, too large, or of another kind; the signal's reason
 * @example const rows = await openRows("conversations.jsonl");
 */
export async function openRows(path: string, signal?: AbortSignal): Promise<RowSource> {
  const opened: RowSource[] = [];
  try {
    for (const file of await findFiles(path)) opened.push(await openFile(file, signal));
    return joinedRows(path, opened);
  } catch (error) {
    await Promise.all(opened.map((source) => source.close()));
    throw error;
  }
}
