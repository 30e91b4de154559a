/** @file Rows that are kept and rows that are drawn: queries over relations. */

import { DataError } from "../data-error.ts";
import type { Database } from "../database.ts";
import { type Relation, rowsWith } from "../relation.ts";
import type { FilterStep, MixStep } from "./keys.ts";
import type { Selection } from "./made.ts";

/** Rows of which the expression is true; a row of which it is null is left out. */
export async function filterRows(database: Database, relation: Relation, { where }: FilterStep): Promise<Selection> {
  const { format, sql, rows } = relation;
  if (rows === undefined) return { format, sql: `SELECT * FROM (${sql}) WHERE (${where}\n)` };
  await database.run(`CREATE OR REPLACE TABLE passed AS SELECT _row FROM (${sql}) WHERE (${where}\n)`);
  return { format, sql: rowsWith(relation, "SELECT _row FROM passed"), order: "_row" };
}

/**
 * The rows of several sources, each as often as its weight says: whole rounds, and of what is left of it those rows whose hash
 * with the seed is smallest. MD5, so that another version of DuckDB draws the same rows.
 * @throws DataError where JSON Lines and Parquet would be mixed
 */
export function mixRows(relations: readonly Relation[], { seed, sources, shuffle }: MixStep): Selection {
  const [format, other] = new Set(relations.map((relation) => relation.format));
  if (other) throw new DataError(`found ${format} and ${other} among the sources, expected one format.`);
  const parts = relations.map((relation, s) => {
    // Of JSON Lines their text alone: the same key may be of another type in another source.
    const sql = format === "jsonl" ? `SELECT _line, _row FROM (${relation.sql})` : relation.sql;
    const { weight, cap } = sources[s]!;
    const rounds = Math.floor(weight);
    const share = weight - rounds;
    const drawn = `md5(concat_ws('/', ${seed}, ${s}, _row, _copy))`;
    const counted = `SELECT *, row_number() OVER (PARTITION BY _copy ORDER BY ${drawn}) AS _place, count(*) OVER (PARTITION BY _copy) AS _count, ${drawn} AS _drawn, ${s} AS _source FROM (${sql}), range(${rounds + (share > 0 ? 1 : 0)}) AS copies(_copy)`;
    const weighted = `SELECT * FROM (${counted}) WHERE _copy < ${rounds} OR _place <= round(_count * ${share})`;
    return cap === undefined
      ? weighted
      : `SELECT * FROM (${weighted}) QUALIFY row_number() OVER (ORDER BY _copy, _drawn) <= ${cap}`;
  });
  const all = parts.map((part) => `(${part})`).join(" UNION ALL BY NAME ");
  return {
    format: format!,
    order: "_row",
    sql: `SELECT * EXCLUDE (_copy, _place, _count, _drawn, _source, _row), row_number() OVER (ORDER BY ${shuffle ? "_drawn, " : ""}_source, _copy, _row) AS _row FROM (${all})`,
  };
}
