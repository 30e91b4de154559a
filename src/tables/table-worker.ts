/** @file The reading thread: opens one table, and gives rows of it when asked. It may hang or die; whoever asks has a clock. */
import { parentPort, workerData } from "node:worker_threads";
import type { OpenedTable, RowGroup, TableBounds, TableRow } from "./table.ts";

/** The first question opens the table; `bare` names columns of which only is told whether there is a value. */
export type Question = "open" | (RowGroup & { bare: readonly string[] });
export type Reply = { columns: string[]; groups: RowGroup[] } | { rows: TableRow[] } | { error: string };

const { path, kind, bounds } = workerData as { path: string; kind: "parquet" | "xlsx"; bounds: TableBounds };
let table: OpenedTable | undefined;
let current: { group: RowGroup; rows: TableRow[] } | undefined;

/** A copy whose bytes share no memory with what else was decoded; their buffers are collected for the transfer. */
function detached(value: unknown, buffers: ArrayBuffer[]): unknown {
  if (value instanceof Uint8Array) {
    const copy = value.slice();
    buffers.push(copy.buffer);
    return copy;
  }
  if (Array.isArray(value)) return value.map((item) => detached(item, buffers));
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, detached(item, buffers)]));
}

const isThere = (value: unknown): boolean => value !== null && value !== undefined;

function bared(row: TableRow, bare: readonly string[]): TableRow {
  if (bare.length === 0) return row;
  const known = bare.filter((name) => isThere(row[name])).map((name) => [name, new Uint8Array(1)]);
  return { ...row, ...Object.fromEntries(known) };
}

/** Loads the one library that is needed; workbooks need one that not everybody installs. */
async function open(): Promise<OpenedTable> {
  if (kind === "parquet") return (await import("./parquet.ts")).openParquetTable(path, bounds);
  return (await import("./xlsx.ts")).openXlsxTable(path, bounds);
}

async function answer(question: Question, buffers: ArrayBuffer[]): Promise<Reply> {
  if (question === "open") {
    table = await open();
    return { columns: table.columns, groups: table.groups };
  }
  const group = table!.groups.find(({ start, end }) => question.start >= start && question.end <= end)!;
  if (current?.group !== group) {
    current = undefined;
    current = { group, rows: await table!.read(group) };
  }
  const rows = current.rows.slice(question.start - group.start, question.end - group.start);
  if (rows.length !== question.end - question.start)
    throw new Error(`it has ${group.start + current.rows.length} rows, its head says ${group.end}`);
  return { rows: rows.map((row) => detached(bared(row, question.bare), buffers) as TableRow) };
}

/** What a library stumbles over in a damaged file tells the user nothing but that it is damaged. */
const reasonOf = (error: unknown): string =>
  error instanceof TypeError || error instanceof RangeError
    ? "its parts contradict each other"
    : String((error as Error)?.message ?? error);

parentPort!.on("message", async (question: Question) => {
  // A reader that waits for nothing and never ends lets the thread end, which the other side sees.
  parentPort!.unref();
  const buffers: ArrayBuffer[] = [];
  const reply = await answer(question, buffers).catch((error: unknown): Reply => ({ error: reasonOf(error) }));
  parentPort!.ref();
  parentPort!.postMessage(reply, buffers);
});
