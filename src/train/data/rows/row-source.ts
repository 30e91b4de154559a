/** @file Rows of a data file by number, whatever the format: what shuffled training data needs. */

import { extname } from "node:path";
import { TrainingInputError } from "../../input-error.ts";
import { openJsonlRows } from "./jsonl-rows.ts";
import { openParquetRows } from "./parquet-rows.ts";

/** An open data file. */
export interface RowSource {
  /** The file as it was named. */
  readonly path: string;
  readonly length: number;
  /** Where row `i` stands, for errors: "data.jsonl:12". */
  place(i: number): string;
  /** Row `i`, parsed. @throws Error when it cannot be read */
  row(i: number): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Opens a data file by its ending: .jsonl or .ndjson (one JSON object per line), .parquet.
 * @throws Error when the file is missing, empty, too large, or of another kind
 * @example const rows = await openRows("conversations.jsonl");
 */
export async function openRows(path: string): Promise<RowSource> {
  const kind = extname(path).toLowerCase();
  if (kind !== ".jsonl" && kind !== ".ndjson" && kind !== ".parquet")
    throw new TrainingInputError(`${path}: data files end in .jsonl or .parquet, found "${kind}"`);
  const source = await (kind === ".parquet" ? openParquetRows(path) : openJsonlRows(path));
  if (source.length > 0) return source;
  await source.close();
  throw new TrainingInputError(`${path} has no rows, expected at least one conversation`);
}
