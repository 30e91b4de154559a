/** @file What a data file is to a benchmark: typed texts by row and column, and pictures on demand. */
import type { ColumnType } from "./column-type.ts";

/** One cell that holds pictures: base64 text as it stands in the file, or bytes. */
export type ImageCell = string | Uint8Array[];

/** A data file with random access to its rows; pictures are read only when asked for. */
export interface RowSource {
  readonly columns: readonly string[];
  readonly types: Readonly<Record<string, ColumnType>>;
  readonly length: number;
  /** The row's cells but for `image`: the text that Python's `str` gives, null where missing. */
  cells(row: number): Readonly<Record<string, string | null>>;
  /** Length of the row's `image` cell in characters; 0 if missing. */
  imageLength(row: number): number;
  imageCell(row: number): Promise<ImageCell>;
  /** Cells whose text is a word that pandas takes for missing, e.g. an option `None`; for a warning. */
  readonly wordsTakenForMissing: readonly { row: number; column: string; text: string }[];
  close(): void;
}

export const IMAGE_COLUMN = "image";
