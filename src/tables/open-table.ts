/** @file A table that is read in a thread of its own, so that no file can stop the process, or stop it from being stopped. */
import { access } from "node:fs/promises";
import type { Worker } from "node:worker_threads";
import { needPackage, startThread } from "../common/node.ts";
import { type RowGroup, TABLE_BOUNDS, type TableBounds, TableError, type TableRow } from "./table.ts";
import type { Question, Reply } from "./table-worker.ts";

const KINDS = { parquet: "Parquet", xlsx: "a workbook" } as const;
/** Rows that pass from the thread at a time. */
const BATCH = 1000;
/** JavaScript memory of the thread; bytes of pictures are not counted in it. */
const MEMORY_MIB = 4096;

/** An open table. Its thread keeps the row group that was read last, and does not keep the process alive. */
export interface Table {
  readonly columns: readonly string[];
  readonly length: number;
  /**
   * Rows from `start` up to but not including `end`, in batches.
   * @param bare columns of which only is told whether there is a value: one byte stands for it
   */
  rows(start?: number, end?: number, bare?: readonly string[]): AsyncGenerator<TableRow[]>;
  close(): void;
}

export interface OpenTableOptions {
  bounds?: Partial<TableBounds>;
  signal?: AbortSignal;
}

/**
 * Opens a Parquet file or the first sheet of a workbook.
 * @throws TableError naming the file when it is not what its ending says, or larger than the bounds; the system's error when it
 * is not there; the signal's reason
 * @example
 * const table = await openTable("test.parquet");
 * for await (const rows of table.rows()) console.log(rows.length);
 * table.close();
 */
export async function openTable(path: string, options: OpenTableOptions = {}): Promise<Table> {
  const { signal } = options;
  await access(path);
  const kind = /\.xlsx$/i.test(path) ? "xlsx" : "parquet";
  if (kind === "xlsx") needPackage("Reading Excel files", "read-excel-file");
  const bounds = { ...TABLE_BOUNDS, ...options.bounds };
  const worker = startThread("table-worker", import.meta.url, {
    workerData: { path, kind, bounds },
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB },
  });
  const refused = (reason: string) =>
    new TableError(`${path} is not ${KINDS[kind]} that can be read: ${reason.replace(/\.$/, "")}.`);
  const ask = asker(worker, bounds.stallMs, refused, signal);
  const { columns, groups } = (await ask("open")) as { columns: string[]; groups: RowGroup[] };
  const length = groups.at(-1)?.end ?? 0;
  return {
    columns,
    length,
    async *rows(start = 0, end = length, bare = []) {
      for (const group of groups) {
        const last = Math.min(end, group.end);
        for (let at = Math.max(start, group.start); at < last; at += BATCH) {
          const question = { start: at, end: Math.min(last, at + BATCH), bare };
          yield ((await ask(question)) as { rows: TableRow[] }).rows;
        }
      }
    },
    close: () => void worker.terminate(),
  };
}

/** Asks the thread one question at a time; the first failure, silence or signal ends it for good. */
function asker(
  worker: Worker,
  stallMs: number,
  refused: (reason: string) => Error,
  signal: AbortSignal | undefined,
): (question: Question) => Promise<Reply> {
  let turn: Promise<unknown> = Promise.resolve();
  let failure: unknown;
  worker.on("error", (error) => {
    failure ??= refused(
      (error as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY"
        ? `its rows need more than ${MEMORY_MIB} MiB of memory`
        : error.message,
    );
  });
  worker.on("exit", () => {
    failure ??= refused("its reader gave up");
  });
  const once = (question: Question): Promise<Reply> => {
    if (failure !== undefined) return Promise.reject(failure);
    return new Promise<Reply>((resolve, reject) => {
      const done = () => {
        clearTimeout(clock);
        worker.off("message", onMessage);
        worker.off("exit", onExit);
        signal?.removeEventListener("abort", onAbort);
        worker.unref();
      };
      const fail = (error: unknown) => {
        failure ??= error;
        done();
        void worker.terminate();
        reject(failure);
      };
      const onMessage = (reply: Reply) => {
        if ("error" in reply) return fail(refused(reply.error));
        done();
        resolve(reply);
      };
      const onExit = () => fail(failure);
      const onAbort = () => fail(signal!.reason);
      const clock = setTimeout(() => fail(refused(`nothing was read of it for ${stallMs / 1000} seconds`)), stallMs);
      if (signal?.aborted) return onAbort();
      worker.ref();
      worker.on("message", onMessage);
      worker.on("exit", onExit);
      signal?.addEventListener("abort", onAbort);
      worker.postMessage(question);
    });
  };
  return (question) => {
    const next = turn.then(() => once(question));
    turn = next.catch(() => undefined);
    return next;
  };
}
