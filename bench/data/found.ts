/** @file What a pipeline found of what was planted: recall and precision of each kind. */

import { join } from "node:path";
import { openDatabase, quoted } from "../../src/data/database.ts";

export interface Found {
  /** Share of the planted rows that went. */
  readonly recall: number;
  /** Share of the rows that went which were planted. */
  readonly precision: number;
  readonly planted: number;
}

/** Reads the outputs of `PIPELINE`. Of a group one row may stay, whichever is first. @param folder with rows.jsonl, @param out of the outputs */
export async function foundIn(
  folder: string,
  out: string,
): Promise<Record<"broken" | "duplicates" | "contaminated", Found>> {
  const database = await openDatabase({ memory: "1GB", spill: join(out, ".found") });
  const file = (path: string) => `read_ndjson(${quoted(path)}, columns = {"group": 'UINTEGER', kind: 'VARCHAR'})`;
  try {
    const one = async (sql: string): Promise<Found> => {
      const [row] = await database.rows(sql);
      const [planted, missed, wrong] = [Number(row!.planted), Number(row!.missed), Number(row!.wrong)];
      const right = planted - missed;
      return { planted, recall: right / planted, precision: right / (right + wrong) };
    };
    const went = (before: string, after: string, kinds: string) => `
      WITH b AS (SELECT kind IN (${kinds}) AS bad, count(*) AS n FROM ${file(before)} GROUP BY bad),
      a AS (SELECT kind IN (${kinds}) AS bad, count(*) AS n FROM ${file(after)} GROUP BY bad)
      SELECT sum(b.n) FILTER (b.bad) AS planted, coalesce(sum(a.n) FILTER (a.bad), 0) AS missed,
      sum(b.n - coalesce(a.n, 0)) FILTER (NOT b.bad) AS wrong FROM b LEFT JOIN a ON a.bad = b.bad`;
    const [raw, sound, unique, untested] = [
      join(folder, "rows.jsonl"),
      ...["sound", "unique", "untested"].map((name) => join(out, `${name}.jsonl`)),
    ] as [string, string, string, string];
    return {
      broken: await one(went(raw, sound, "'broken'")),
      duplicates: await one(`
        WITH b AS (SELECT "group" AS g, count(*) AS n FROM ${file(sound)} GROUP BY g),
        a AS (SELECT "group" AS g, count(*) AS n FROM ${file(unique)} GROUP BY g)
        SELECT sum(b.n - 1) AS planted, sum(greatest(coalesce(a.n, 0) - 1, 0)) AS missed,
        sum((a.n IS NULL)::INTEGER) AS wrong FROM b LEFT JOIN a USING (g)`),
      contaminated: await one(went(unique, untested, "'question', 'picture'")),
    };
  } finally {
    database.close();
  }
}
