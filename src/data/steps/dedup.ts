/** @file Duplicates: rows that agree in expressions, or whose pictures and texts are near; the first of each group stays. */

import { join } from "node:path";
import type { Database } from "../database.ts";
import { pictureColumns, pictureRow } from "../measure/measure.ts";
import { readRows, type Workshop } from "../measure/read-rows.ts";
import { Components } from "../near/components.ts";
import { bandsFor } from "../near/min-hash.ts";
import { clusterPictures } from "../near/near-pictures.ts";
import { joinTexts, Signatures, signExpression } from "../near/near-texts.ts";
import { NumberSets } from "../near/number-sets.ts";
import { type Relation, rowsWith, rowsWithout } from "../relation.ts";
import type { DedupStep } from "./keys.ts";
import type { Made } from "./made.ts";

/** A key by which equal rows are grouped: numbers of rows and hashes of 128 bits, as whole rows would not fit the memory. */
function keyed({ sql }: Relation, by: readonly string[]): string {
  const keys = by.map((one) => `(${one}\n)::VARCHAR`);
  const hash = `md5_number(to_json([${keys.join(", ")}])::VARCHAR)`;
  // Rows that have none of the expressions are no duplicates of each other.
  const nothing = keys.map((key) => `${key} IS NULL`).join(" AND ");
  return `SELECT _row, CASE WHEN ${nothing} THEN _row::HUGEINT ELSE ${hash} END AS _key, ${nothing} AS _nothing FROM (${sql})`;
}

/** The first of rows that agree in all expressions. */
function exact(relation: Relation, by: readonly string[]): Made {
  const first = `SELECT min(_row) FROM (${keyed(relation, by)}) GROUP BY _key, _nothing`;
  return { selection: { format: relation.format, sql: rowsWith(relation, first), order: "_row" } };
}

async function lastRow(database: Database, { sql }: Relation): Promise<number> {
  return Number((await database.rows(`SELECT coalesce(max(_row), 0) AS n FROM (${sql})`))[0]!.n);
}

async function near(workshop: Workshop, relation: Relation, { by, near: wanted }: DedupStep): Promise<Made> {
  const { database } = workshop;
  const { pictures, text: threshold, words, of } = wanted!;
  const most = await lastRow(database, relation);
  const components = new Components(most);
  if (by) {
    const groups = `SELECT _row::UINTEGER AS r, min(_row) OVER (PARTITION BY _key, _nothing)::UINTEGER AS f FROM (${keyed(relation, by)})`;
    for await (const rows of database.stream(`SELECT r, f FROM (${groups}) WHERE r <> f`))
      for (const { r, f } of rows) components.join(Number(r), Number(f));
  }
  const text = threshold === undefined ? undefined : { words, ...bandsFor(threshold) };
  const sets = text && new NumberSets(join(database.spill, "runs"), most);
  try {
    const signatures = text && (await Signatures.create(workshop, text, sets!));
    const seen = pictures !== undefined;
    const shown = seen ? await database.createTable("row_pictures", pictureColumns) : undefined;
    if (seen || of === undefined)
      await readRows(
        workshop,
        { ...relation, sql: relation.rows ?? relation.sql },
        { columns: [], pictures: seen, text: of === undefined ? text : undefined },
        (row, { signature }, keys) => {
          if (of === undefined) signatures?.add(row, signature);
          for (const [place, key] of keys.entries()) shown!.write(pictureRow(row, place, key));
        },
      );
    if (text && of !== undefined) await signExpression(workshop, relation.sql, of, text, signatures!);
    signatures?.close();
    shown?.close();
    if (seen) {
      await workshop.pictures.publish();
      await clusterPictures(database, relation.sql, "row_pictures", pictures);
    }
    if (text) await joinTexts(workshop, text, { threshold: threshold!, clustered: seen }, sets!, components);
    else
      for await (const rows of database.stream(
        "SELECT _row AS r, min(_row) OVER (PARTITION BY cluster) AS f FROM clusters WHERE cluster <> 0",
      ))
        for (const { r, f } of rows) components.join(Number(r), Number(f));
  } finally {
    sets?.close();
  }
  const dropped = await database.createTable("dropped", { _row: "UINTEGER", first: "UINTEGER" });
  for (const [row, first] of components.rest()) dropped.write([row, first]);
  dropped.close();
  return {
    selection: { format: relation.format, sql: rowsWithout(relation, "SELECT _row FROM dropped"), order: "_row" },
    report: "SELECT _row AS row, first AS duplicate_of FROM dropped ORDER BY _row",
  };
}

/** The first row of each group of duplicates. */
export const dedupRows = async (workshop: Workshop, relation: Relation, step: DedupStep): Promise<Made> =>
  step.near ? near(workshop, relation, step) : exact(relation, step.by!);
