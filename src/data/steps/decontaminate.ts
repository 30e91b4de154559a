/** @file Rows that benchmark sets would test: their pictures are near one of a set's, or their questions share a run of words with one. */

import { existsSync } from "node:fs";
import { basename, dirname, extname, resolve } from "node:path";
import { findData } from "../../eval/index.ts";
import { findSet, loadRows, openSource, type VlmRows } from "../../vlmeval/index.ts";
import { DataError } from "../data-error.ts";
import { HashTable } from "../measure/hash-table.ts";
import { pictureColumns, pictureRow } from "../measure/measure.ts";
import { readRows, type Workshop } from "../measure/read-rows.ts";
import { runsOf, unitsOf } from "../measure/words.ts";
import { nearPairs } from "../near/near-pictures.ts";
import { type Relation, rowsWithout } from "../relation.ts";
import type { DecontaminateStep } from "./keys.ts";
import type { Made } from "./made.ts";

/** The data file of a set that a pipeline names. @throws DataError when there is none */
export async function setFile(name: string, folder: string): Promise<string> {
  const path = resolve(folder, name);
  if (existsSync(path)) return path;
  const set = extname(name) === "" ? findSet(name) : undefined;
  if (!set)
    throw new DataError(
      `there is no file ${path} and no set "${name}", expected a .tsv, .jsonl or .parquet file, or a set's name.`,
    );
  try {
    return (await findData(set, { offline: true })).path;
  } catch (cause) {
    throw new DataError((cause as Error).message, { cause });
  }
}

/** A row of a set: its file's name and its index there. */
interface Entry {
  readonly set: string;
  readonly index: string;
}

/** Every row of the sets. */
async function* entriesOf(files: readonly string[], signal?: AbortSignal) {
  for (const file of files) {
    const source = await openSource(file, signal).catch((cause: Error) => {
      throw new DataError(cause.message, { cause });
    });
    let rows: VlmRows | undefined;
    try {
      rows = loadRows(source, dirname(file));
      for (let row = 0; row < rows.length; row++)
        yield { entry: { set: basename(file, extname(file)), index: rows.index(row) }, rows, row };
    } finally {
      source.close();
    }
  }
}

/** What is looked up of the sets. */
interface Tested {
  readonly entries: readonly Entry[];
  /** Runs of the questions' words. */
  readonly runs: HashTable;
  /** Of a run's number the entry that had it first. */
  readonly owners: ReadonlyMap<number, number>;
}

/** Reads the sets: runs into memory that threads share, pictures into the table `tested (entry, key)`. */
async function readSets(workshop: Workshop, files: readonly string[], step: DecontaminateStep): Promise<Tested> {
  const { database, pictures, signal } = workshop;
  const { words } = step;
  const entries: Entry[] = [];
  const found: { runs: Uint32Array; entry: number }[] = [];
  const shown = await database.createTable("tested", { entry: "UINTEGER", key: "UBIGINT" });
  for await (const { entry, rows, row } of entriesOf(files, signal)) {
    signal?.throwIfAborted();
    const number = entries.push(entry) - 1;
    const question = rows.cells(row).question ?? "";
    // A shorter question, such as "What is this?", says nothing by itself.
    if (words !== false && unitsOf(question).length >= words)
      found.push({ runs: runsOf(question, words), entry: number });
    if (step.pictures === false) continue;
    const { images } = await rows.load(row);
    for (const image of images) {
      const key = await pictures.keyOf(image as string | Uint8Array);
      if ("key" in key) shown.write([number, key.key]);
    }
  }
  shown.close();
  const runs = HashTable.forAtMost(found.reduce((sum, one) => sum + one.runs.length / 2, 0));
  const owners = new Map<number, number>();
  for (const { runs: own, entry } of found)
    for (let i = 0; i < own.length; i += 2) {
      const number = runs.add(own[i]!, own[i + 1]!);
      if (!owners.has(number)) owners.set(number, entry);
    }
  return { entries, runs, owners };
}

/** Rows that no set tests. @param files of the sets */
export async function decontaminateRows(
  workshop: Workshop,
  relation: Relation,
  step: DecontaminateStep,
  files: readonly string[],
): Promise<Made> {
  const { database, pictures } = workshop;
  const { words, common, pictures: distance } = step;
  const { entries, runs, owners } = await readSets(workshop, files, step);
  const hits = await database.createTable("hits", { _row: "UINTEGER", run: "UINTEGER" });
  const shown = await database.createTable("row_pictures", pictureColumns);
  const lookup = words === false ? undefined : { words, table: runs.shared };
  await readRows(workshop, relation, { columns: [], pictures: distance !== false, lookup }, (row, facts, keys) => {
    for (const run of facts.found ?? []) hits.write([row, run]);
    for (const [place, key] of keys.entries()) shown.write(pictureRow(row, place, key));
  });
  hits.close();
  shown.close();
  const owner = await database.createTable("owners", { run: "UINTEGER", entry: "UINTEGER" });
  for (const [run, entry] of owners) owner.write([run, entry]);
  owner.close();
  const named = await database.createTable("entries", { entry: "UINTEGER", set: "VARCHAR", index: "VARCHAR" });
  for (const [number, { set, index }] of entries.entries()) named.write([number, set, index]);
  named.close();
  await database.run("CREATE OR REPLACE TABLE gone (_row UINTEGER, why VARCHAR, entry UINTEGER, runs UINTEGER)");
  await database.run("CREATE OR REPLACE TABLE phrases AS SELECT run, count(*) AS n FROM hits GROUP BY run");
  await database.run(
    `INSERT INTO gone SELECT _row, 'question', min(entry), count(*) FROM hits JOIN phrases USING (run) JOIN owners USING (run)
     WHERE n <= ${common} GROUP BY _row`,
  );
  if (distance !== false) {
    await pictures.publish();
    for (const [table, from] of [
      ["shown", "row_pictures"],
      ["tested_shown", "tested"],
    ] as const)
      await database.run(
        `CREATE OR REPLACE TABLE ${table} AS SELECT p.* FROM pictures p WHERE fault IS NULL AND key IN (SELECT key FROM ${from})`,
      );
    await database.run("CREATE OR REPLACE TABLE alike (a UBIGINT, b UBIGINT)");
    for (const sql of nearPairs("shown", "tested_shown", distance, "a.key, b.key"))
      await database.run(`INSERT INTO alike ${sql}`);
    await database.run(
      `INSERT INTO gone SELECT r._row, 'picture', min(t.entry), NULL FROM row_pictures r
       JOIN alike ON alike.a = r.key JOIN tested t ON t.key = alike.b GROUP BY r._row`,
    );
  }
  const [counts] = await database.rows(
    `SELECT count(*) FILTER (why = 'question') AS questions, count(*) FILTER (why = 'picture') AS pictures,
     (SELECT count(*) FROM phrases WHERE n > ${common}) AS phrases FROM gone`,
  );
  return {
    selection: { ...relation, sql: rowsWithout(relation, "SELECT _row FROM gone"), order: "_row" },
    report: `SELECT _row AS row, why, set, index, runs FROM gone JOIN entries USING (entry)
      UNION ALL SELECT NULL, 'common run of words, left alone', set, index, n::UINTEGER FROM phrases JOIN owners USING (run) JOIN entries USING (entry) WHERE n > ${common}
      ORDER BY row NULLS LAST, why`,
    details: {
      sets: files.length,
      tested: entries.length,
      byQuestion: Number(counts!.questions),
      byPicture: Number(counts!.pictures),
      commonRuns: Number(counts!.phrases),
    },
  };
}
