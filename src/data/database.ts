/** @file DuckDB as the steps use it: in memory, spilling to a folder, within a bound. */

import type { DuckDBConnection, DuckDBType } from "@duckdb/node-api";
import { needPackage } from "../common/node.ts";
import { DataError } from "./data-error.ts";

export type Row = Readonly<Record<string, unknown>>;

/** Fills a table row by row. */
export interface TableWriter {
  /** @param values one for each column, in order; null where there is none */
  write(values: readonly unknown[]): void;
  /** Rows are in the table once this has returned. */
  close(): void;
}

export interface Database {
  /** @throws DataError with DuckDB's message; the signal's reason */
  run(sql: string): Promise<void>;
  /** @throws as `run` */
  rows(sql: string): Promise<Record<string, unknown>[]>;
  /** Rows of any number, a few at a time. Other queries may run meanwhile. @throws as `run` */
  stream(sql: string): AsyncGenerator<Row[]>;
  /** @param columns types of VARCHAR, UINTEGER, UBIGINT or DOUBLE by name */
  createTable(table: string, columns: Readonly<Record<string, string>>): Promise<TableWriter>;
  readonly version: string;
  /** Where what does not fit the memory goes. */
  readonly spill: string;
  close(): void;
}

export interface DatabaseOptions {
  /** Such as "2GB". */
  readonly memory: string;
  /** Where what does not fit the memory goes. */
  readonly spill: string;
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** A text as SQL writes it. @example quoted("it's") // "'it''s'" */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
/** A name as SQL writes it. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Rows of a chunk of DuckDB. */
const CHUNK = 2048;

/** @throws MissingPackageError with the command that adds DuckDB */
export async function openDatabase({ memory, spill, threads, signal }: DatabaseOptions): Promise<Database> {
  needPackage("Working on data files", "@duckdb/node-api");
  const { DuckDBDataChunk, DuckDBInstance, ...types } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:", {
    memory_limit: memory,
    temp_directory: spill,
    ...(threads && { threads: String(threads) }),
  }).catch((cause: Error) => {
    throw new DataError(`DuckDB cannot be opened with a memory of ${memory}: ${cause.message}`, { cause });
  });
  const connection: DuckDBConnection = await instance.connect();
  const open = new Set([connection]);
  const stop = () => {
    for (const one of open) one.interrupt();
  };
  signal?.addEventListener("abort", stop);
  const asked = async <T>(work: () => Promise<T>): Promise<T> => {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (cause) {
      signal?.throwIfAborted();
      throw new DataError((cause as Error).message.trim(), { cause });
    }
  };
  const rows = (sql: string) => asked(async () => (await connection.runAndReadAll(sql)).getRowObjectsJson());
  return {
    run: (sql) => asked(async () => void (await connection.run(sql))),
    rows,
    async *stream(sql) {
      const own = await instance.connect();
      open.add(own);
      try {
        const result = await asked(() => own.stream(sql));
        const chunks = result.yieldRowObjectJs();
        for (;;) {
          const next = await asked(() => chunks.next());
          if (next.done) return;
          yield next.value;
        }
      } finally {
        open.delete(own);
        own.closeSync();
      }
    },
    async createTable(table, columns) {
      const listed = Object.entries(columns).map(([name, type]) => `${identifier(name)} ${type}`);
      await asked(() => connection.run(`CREATE OR REPLACE TABLE ${identifier(table)} (${listed.join(", ")})`));
      const own = await instance.connect();
      const appender = await own.createAppender(table);
      const ofColumns = Object.values(columns).map((type) => types[type as "VARCHAR"] as DuckDBType);
      const empty = () => ofColumns.map((): unknown[] => []);
      let waiting = empty();
      const flush = () => {
        if (waiting[0]!.length === 0) return;
        const chunk = DuckDBDataChunk.create(ofColumns);
        chunk.setColumns(waiting as never);
        appender.appendDataChunk(chunk);
        waiting = empty();
      };
      return {
        write(values) {
          for (let c = 0; c < waiting.length; c++) waiting[c]!.push(values[c] ?? null);
          if (waiting[0]!.length === CHUNK) flush();
        },
        close() {
          flush();
          appender.closeSync();
          own.closeSync();
        },
      };
    },
    version: String((await rows("SELECT version() AS v"))[0]!.v),
    spill,
    close() {
      signal?.removeEventListener("abort", stop);
      connection.closeSync();
      instance.closeSync();
    },
  };
}
