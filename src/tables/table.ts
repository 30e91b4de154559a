/** @file What a table is in the reading thread, and how much one of somebody else may cost: a few bytes can stand for gigabytes. */

/** What is read at most. Files beyond are refused before their rows are decoded where their headers tell. */
export interface TableBounds {
  rows: number;
  /** Values of all columns, those in lists included. */
  cells: number;
  /** Decoded bytes of the whole file. */
  bytes: number;
  /** Time without any answer of the reading thread, in milliseconds, on the clock: the last resort against one that hangs. */
  stallMs: number;
}

export const TABLE_BOUNDS: TableBounds = {
  rows: 4_000_000,
  cells: 100_000_000,
  bytes: 16 * 2 ** 30,
  stallMs: 60_000,
};

/** Data of a person does not shrink to less than a two-hundredth. */
const MOST_PACKED = 200;
/** Below this even a bomb does no harm. */
const HARMLESS_BYTES = 64 * 2 ** 20;

/**
 * @throws Error when so many bytes come out of so few that the file was made to exhaust its reader
 * @example checkUnpacked(90_000, 90_000_000) // throws
 */
export function checkUnpacked(packed: number, unpacked: number, { bytes }: Pick<TableBounds, "bytes">): void {
  const isBomb = unpacked > HARMLESS_BYTES && unpacked > packed * MOST_PACKED;
  if (isBomb || unpacked > bytes)
    throw new Error(`its ${packed} bytes unpack to ${unpacked}, more than ${isBomb ? packed * MOST_PACKED : bytes}`);
}

/** A file that is not the table it should be, or a larger one than is read. */
export class TableError extends Error {
  override readonly name = "TableError";
  readonly code = "invalid";
}

export type TableRow = Record<string, unknown>;

/** Rows that are decoded together: from `start` up to but not including `end`. */
export interface RowGroup {
  start: number;
  end: number;
}

/** A table in the thread that reads it. */
export interface OpenedTable {
  columns: string[];
  groups: RowGroup[];
  /** The rows of one group. */
  read(group: RowGroup): Promise<TableRow[]>;
}
