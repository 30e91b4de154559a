/** @file Door of the tables: Parquet files and workbooks of other people, read in a thread under bounds; text files by line. */
export { type Lines, openLines } from "./lines.ts";
export { openTable, type Table } from "./open-table.ts";
export { TABLE_BOUNDS, type TableBounds, TableError, type TableRow } from "./table.ts";
