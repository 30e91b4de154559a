/** @file One pass over the rows of a relation: threads read them, their pictures are looked up, several batches at a time. */

import { mapConcurrent } from "../../common/index.ts";
import type { ThreadPool } from "../../common/node.ts";
import type { Database, Row } from "../database.ts";
import type { Relation } from "../relation.ts";
import type { PictureKey, PictureStore } from "./picture-store.ts";
import type { Job, RowFacts, RowsJob } from "./row-job.ts";

/** What the steps compute with. */
export interface Workshop {
  readonly database: Database;
  readonly threads: ThreadPool<Job>;
  /** How many jobs are under way. */
  readonly width: number;
  readonly pictures: PictureStore;
  /** Where measures are kept from run to run. */
  readonly cache: string;
  readonly settings: WorkshopSettings;
  readonly signal?: AbortSignal;
  readonly print: (line: string) => void;
}

/** What a pipeline says about its rows. */
export interface WorkshopSettings {
  /** What paths of pictures are relative to. */
  readonly images: string;
  readonly question?: string;
  readonly model?: string;
  readonly judge?: JudgeSettings;
  readonly threads?: number;
}

/** Who marks answers. */
export interface JudgeSettings {
  readonly url: string;
  readonly model: string;
  /** What the judge is told before the conversation. */
  readonly prompt?: string;
  /** Name of the environment variable that holds the key. */
  readonly key?: string;
  readonly concurrency: number;
}

/** Rows of a job. */
const BATCH = 256;

/** Rows with their number, as lines of JSON or as the columns of Parquet. */
export async function* numberedRows(
  { database }: Pick<Workshop, "database">,
  { format, sql }: Relation,
): AsyncGenerator<readonly (readonly [number: number, row: unknown])[]> {
  const columns = format === "jsonl" ? "_row::UINTEGER AS _row, _line" : "* REPLACE (_row::UINTEGER AS _row)";
  for await (const rows of database.stream(`SELECT ${columns} FROM (${sql})`)) {
    const numbered = rows.map(({ _row, ...row }: Row) => [Number(_row), format === "jsonl" ? row._line : row] as const);
    for (let i = 0; i < numbered.length; i += BATCH) yield numbered.slice(i, i + BATCH);
  }
}

export interface Pass extends Pick<RowsJob, "columns" | "text" | "lookup"> {
  /** Whether pictures are looked up. */
  readonly pictures: boolean;
}

export type OnRow = (row: number, facts: RowFacts, pictures: readonly PictureKey[]) => void;

/** Reads every row once; `onRow` is told in any order. */
export async function readRows(workshop: Workshop, relation: Relation, pass: Pass, onRow: OnRow): Promise<void> {
  const { threads, width, pictures, settings, signal } = workshop;
  const { images: folder, question, model } = settings;
  const read = async (batch: readonly (readonly [number, unknown])[]) => {
    const rows = batch.map(([, row]) => row);
    const { columns, text, lookup } = pass;
    const facts = await threads.run<RowFacts[]>({ type: "rows", rows, folder, question, model, columns, text, lookup });
    const keys: PictureKey[][] = [];
    for (const { pictures: found } of facts)
      keys.push(pass.pictures ? await Promise.all(found.map((picture) => pictures.keyOf(picture))) : []);
    return batch.map(([row], i) => [row, facts[i]!, keys[i]!] as const);
  };
  for await (const batch of mapConcurrent(numberedRows(workshop, relation), width, read)) {
    signal?.throwIfAborted();
    for (const [row, facts, keys] of batch) onRow(row, facts, keys);
  }
}
