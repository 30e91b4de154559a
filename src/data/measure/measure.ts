/** @file A relation with the computed columns that expressions name. */

import { DataError } from "../data-error.ts";
import { type Database, identifier } from "../database.ts";
import type { Relation } from "../relation.ts";
import { type ComputedColumn, computedIn, sourceOf, typeOf } from "./columns.ts";
import { markAnswers, measureLosses } from "./opinions.ts";
import type { PictureKey } from "./picture-store.ts";
import { readRows, type Workshop } from "./read-rows.ts";

/** What is computed of a row's pictures: of several the smallest one's size, the least entropy, the blurriest. */
const OF_PICTURES: Partial<Record<ComputedColumn, string>> = {
  _width: "arg_min(width, width::DOUBLE * height)",
  _height: "arg_min(height, width::DOUBLE * height)",
  _aspect: "arg_min(width / height, width::DOUBLE * height)",
  _entropy: "min(entropy)",
  _blur: "min(blur)",
};

async function refuseTaken(database: Database, relation: Relation, columns: readonly string[]): Promise<void> {
  const described = await database.rows(`DESCRIBE SELECT * FROM (${relation.sql})`);
  const taken = described.find(({ column_name: name }) => columns.includes(String(name)));
  if (taken)
    throw new DataError(
      `the rows have a column "${taken.column_name}" of their own, expected the computed one; rename it.`,
    );
}

/** Writes a row's pictures into a table `(_row, place, key, fault)`. */
export const pictureColumns = { _row: "UINTEGER", place: "UINTEGER", key: "UBIGINT", fault: "VARCHAR" };
export const pictureRow = (row: number, place: number, found: PictureKey): unknown[] =>
  "key" in found ? [row, place, found.key, null] : [row, place, null, found.fault];

/**
 * The relation with its computed columns; the relation itself where the expressions name none.
 * @param table a name for the tables that hold them
 * @throws DataError when a column needs a model or a judge that the pipeline does not name
 */
export async function withComputed(
  workshop: Workshop,
  relation: Relation,
  expressions: readonly string[],
  table: string,
): Promise<Relation> {
  const columns = computedIn(expressions);
  if (columns.length === 0) return relation;
  const { database, pictures, settings } = workshop;
  await refuseTaken(database, relation, columns);
  const needing = (source: string) => columns.find((name) => sourceOf(name) === source);
  const modelled = needing("size") ?? needing("loss");
  if (modelled && !settings.model)
    throw new DataError(`${modelled} needs \`model\` in the pipeline: a folder or a name.`);
  if (needing("mark") && !settings.judge) throw new DataError("_mark needs `judge` in the pipeline: { url, model }.");
  const seen = needing("pictures") !== undefined || columns.includes("_fault");
  const own = columns.filter((name) => ["text", "size"].includes(sourceOf(name)));
  const rows = await database.createTable(table, {
    _row: "UINTEGER",
    ...Object.fromEntries(own.map((name) => [name, typeOf(name)])),
  });
  const pictureRows = await database.createTable(`${table}_pictures`, pictureColumns);
  await readRows(workshop, relation, { columns, pictures: seen }, (row, { values }, keys) => {
    rows.write([row, ...own.map((name) => values[name])]);
    for (const [place, key] of keys.entries()) pictureRows.write(pictureRow(row, place, key));
  });
  rows.close();
  pictureRows.close();
  await pictures.publish();
  const joined = [`JOIN ${identifier(table)} m USING (_row)`];
  const selected: string[] = own.map((name) =>
    name === "_fault" ? "coalesce(m._fault, p._fault) AS _fault" : `m.${name}`,
  );
  const ofPictures = columns.filter((name) => sourceOf(name) === "pictures");
  if (seen) {
    const each = [
      ...ofPictures.map((name) => `${OF_PICTURES[name]} AS ${name}`),
      "first(coalesce(t.fault, s.fault)) FILTER (coalesce(t.fault, s.fault) IS NOT NULL) AS _fault",
    ];
    joined.push(
      `LEFT JOIN (SELECT t._row, ${each.join(", ")} FROM ${identifier(`${table}_pictures`)} t LEFT JOIN pictures s USING (key) GROUP BY t._row) p USING (_row)`,
    );
    selected.push(...ofPictures.map((name) => `p.${name}`));
  }
  for (const [name, compute] of [
    ["_loss", measureLosses],
    ["_mark", markAnswers],
  ] as const)
    if (columns.includes(name)) {
      await compute(workshop, relation, `${table}${name}`);
      joined.push(`LEFT JOIN ${identifier(`${table}${name}`)} o${name} ON o${name}._row = r._row`);
      selected.push(`o${name}.value AS ${name}`);
    }
  const { format, sql } = relation;
  return {
    format,
    rows: sql,
    sql: `SELECT r.*, ${selected.join(", ")} FROM (${sql}) r ${joined.join(" ")}`,
  };
}
