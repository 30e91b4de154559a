/** @file Rows that are objects, from JSONL or Parquet, as a row source: nested pictures become the `image` cell, other values their Python text. */
import { type PyValue, pyStr } from "../python/literal.ts";
import type { ColumnType } from "./column-type.ts";
import { IMAGE_COLUMN, type ImageCell, type RowSource } from "./row-source.ts";

/** Reads row `row` anew; pictures must not stay in memory between calls. */
export type RecordReader = (row: number) => Promise<Record<string, unknown>>;

/** What Hugging Face's image columns hold. */
function imageBytes(value: unknown): Uint8Array | null {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "object" && value !== null && "bytes" in value) return imageBytes(value.bytes);
  return null;
}

/** The pictures of a value, or null if it holds none. */
function pictures(value: unknown): ImageCell | null {
  const one = imageBytes(value);
  if (one) return [one];
  if (Array.isArray(value)) {
    const several = value.map(imageBytes).filter((bytes) => bytes !== null);
    return several.length > 0 ? several : null;
  }
  return null;
}

function toPython(value: unknown): PyValue {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "bigint" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return { kind: "list", items: value.map(toPython) };
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  return new Map(Object.entries(value as object).map(([key, item]) => [key, toPython(item)]));
}

/** Column names that hold pictures under another name in such files. */
const PICTURE_COLUMN = /^(?:image|images|decoded_image|image_\d+)$/;

/**
 * @param length number of rows
 * @param first the rows' non-picture parts, already read once
 * @example
 * const source = recordsSource(rows.length, rows, async (row) => rows[row]!);
 */
export function recordsSource(
  length: number,
  first: readonly Record<string, unknown>[],
  read: RecordReader,
  close: () => void = () => {},
): RowSource {
  const names = new Set<string>();
  for (const record of first) for (const name of Object.keys(record)) names.add(name);
  const columns = [...names].map((name) => (PICTURE_COLUMN.test(name) ? IMAGE_COLUMN : name));
  const rows = first.map((record, row) => {
    const cells: Record<string, string | null> = {};
    for (const name of names) {
      if (PICTURE_COLUMN.test(name)) continue;
      const value = record[name];
      cells[name] = value === null || value === undefined ? null : pyStr(toPython(value));
    }
    if (!("index" in cells)) cells.index = String(row);
    return cells;
  });
  const hasPictures = [...names].some((name) => PICTURE_COLUMN.test(name));
  const lengths = first.map((record) => {
    const cell = joinPictures(record);
    if (cell === null) return 0;
    return typeof cell === "string" ? cell.length : cell.reduce((sum, bytes) => sum + bytes.length, 0) + 65;
  });
  if (!names.has("index")) columns.unshift("index");
  return {
    columns: [...new Set(columns)],
    types: Object.fromEntries(columns.map((name): [string, ColumnType] => [name, "object"])),
    length,
    cells: (row) => rows[row]!,
    imageLength: (row) => (hasPictures ? lengths[row]! : 0),
    imageCell: async (row) => joinPictures(await read(row)) ?? "",
    wordsTakenForMissing: [],
    close,
  };
}

/** All pictures of a record: a text cell as it stands, or bytes of every picture column in order. */
function joinPictures(record: Record<string, unknown>): ImageCell | null {
  const bytes: Uint8Array[] = [];
  for (const [name, value] of Object.entries(record)) {
    if (!PICTURE_COLUMN.test(name)) continue;
    if (typeof value === "string") return value;
    if (Array.isArray(value) && value.every((item) => typeof item === "string") && value.length > 0) {
      return `[${value.map((item) => `'${item}'`).join(", ")}]`;
    }
    const found = pictures(value);
    if (found && typeof found !== "string") bytes.push(...found);
  }
  return bytes.length > 0 ? bytes : null;
}
