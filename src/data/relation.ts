/** @file Data files as a relation of DuckDB: columns to ask about, and rows that leave as they came. */

import { extname } from "node:path";
import { DataError } from "./data-error.ts";
import { type Database, identifier, quoted } from "./database.ts";

/** JSON Lines are kept as their text, to the last byte; Parquet as its columns, pictures in them included. */
export type Format = "jsonl" | "parquet";

export interface Relation {
  readonly format: Format;
  /** A query with the columns of the rows, with `_row` (numbered in order from 1), and for JSON Lines `_line`. */
  readonly sql: string;
  /** The same without the columns that were computed: what leaves. */
  readonly rows?: string;
}

/** The rows of a relation whose numbers a query gives, as they came. Whole rows are not joined: they would not fit the memory. */
export const rowsWith = ({ sql, rows = sql }: Relation, numbers: string): string =>
  `SELECT * FROM (${rows}) WHERE _row IN (${numbers})`;
/** All others. */
export const rowsWithout = ({ sql, rows = sql }: Relation, numbers: string): string =>
  `SELECT * FROM (${rows}) WHERE _row NOT IN (${numbers})`;

const FORMATS: ReadonlyMap<string, Format> = new Map([
  [".jsonl", "jsonl"],
  [".ndjson", "jsonl"],
  [".parquet", "parquet"],
]);

/** @throws DataError for files of several formats, or of another */
export function formatOf(files: readonly string[]): Format {
  const formats = new Set(files.map((file) => FORMATS.get(extname(file).toLowerCase())));
  const [format] = formats;
  if (formats.size === 1 && format) return format;
  throw new DataError(
    `found ${[...new Set(files.map((file) => extname(file) || "no ending"))].join(" and ")}, expected files that all end in .jsonl or all in .parquet.`,
  );
}

/** Bytes of a row at most; every thread holds twice as much. */
const LONGEST_LINE = 16 * 2 ** 20;

/** Types of JSON that a key's values have, null aside, and what its column is then; JSON for all others. */
const SCALARS: readonly (readonly [types: readonly string[], column: string])[] = [
  [["VARCHAR"], "VARCHAR"],
  [["UBIGINT", "BIGINT"], "HUGEINT"],
  [["UBIGINT", "BIGINT", "DOUBLE"], "DOUBLE"],
  [["BOOLEAN"], "BOOLEAN"],
];

const pathOf = (key: string): string => quoted(`$."${key.replaceAll('"', '\\"')}"`);

/** A key of the rows as a column: text, number and truth as such, all else as JSON. */
function columnOf(key: string, types: readonly string[]): string {
  const scalar = SCALARS.find(([known]) => types.length > 0 && types.every((type) => known.includes(type)));
  const value = scalar
    ? `TRY_CAST(json_extract_string(json, ${pathOf(key)}) AS ${scalar[1]})`
    : `json_extract(json, ${pathOf(key)})`;
  return `${value} AS ${identifier(key)}`;
}

/** The keys of all rows with the types of their values. DuckDB's own aggregate of structures would hold all of them in memory. */
async function keysOf(database: Database, lines: string): Promise<(readonly [key: string, types: string[]])[]> {
  const [other] = await database.rows(
    `SELECT json_type(json) AS type FROM ${lines} WHERE json_type(json) <> 'OBJECT' LIMIT 1`,
  );
  if (other) throw new DataError(`${lines} has a line of type ${other.type}, expected a JSON object in each.`);
  const path = `'$."' || replace(key, '"', '\\"') || '"'`;
  const each = `SELECT key, json_type(json, ${path}) AS type FROM (SELECT json, unnest(json_keys(json)) AS key FROM ${lines})`;
  const found = await database.rows(
    `SELECT key, list(DISTINCT type) AS types FROM (${each}) GROUP BY key ORDER BY key`,
  );
  return found.map(({ key, types }) => [String(key), (types as string[]).filter((type) => type !== "NULL")]);
}

/**
 * Opens files as a relation.
 * @throws DataError naming the file and line that cannot be read, or a column whose name the steps need
 */
export async function openRelation(database: Database, files: readonly string[]): Promise<Relation> {
  const format = formatOf(files);
  const list = `[${files.map(quoted).join(", ")}]`;
  if (format === "parquet")
    return { format, sql: `SELECT *, row_number() OVER () AS _row FROM read_parquet(${list}, union_by_name = true)` };
  const lines = `read_ndjson_objects(${list}, maximum_object_size = ${LONGEST_LINE})`;
  const columns = await keysOf(database, lines);
  const taken = columns.find(([key]) => key === "_row" || key === "_line");
  if (taken) throw new DataError(`${files.join(", ")}: rows have the key "${taken[0]}", which the steps need.`);
  const all = [
    "json::VARCHAR AS _line",
    "row_number() OVER () AS _row",
    ...columns.map(([key, types]) => columnOf(key, types)),
  ];
  return { format, sql: `SELECT ${all.join(", ")} FROM ${lines}` };
}

/** Columns that leave with a row, and columns that only the steps know. */
const kept = (format: Format): string => (format === "jsonl" ? "_line" : "* EXCLUDE (_row)");

/** Writes the rows of a query that has the relation's columns. @param order how they are sorted, where the query is not in order already */
export async function writeRows(
  database: Database,
  { format, sql, order }: Pick<Relation, "format" | "sql"> & { readonly order?: string },
  path: string,
): Promise<void> {
  const how =
    format === "jsonl"
      ? "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01'"
      : "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 10000";
  await database.run(
    `COPY (SELECT ${kept(format)} FROM (${sql})${order ? ` ORDER BY ${order}` : ""}) TO ${quoted(path)} (${how})`,
  );
}
