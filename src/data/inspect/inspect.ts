/** @file Inspects rows: counts, lengths, languages, pictures, duplicates and what is broken, on a page. */

import sharp from "sharp";
import { MissingPackageError, needPackage } from "../../common/node.ts";
import { loadImage } from "../../processor/index.ts";
import { identifier } from "../database.ts";
import { type ComputedColumn, typeOf } from "../measure/columns.ts";
import { withComputed } from "../measure/measure.ts";
import { messagesOf, picturesOf, textOf } from "../measure/read-row.ts";
import { numberedRows, type Workshop } from "../measure/read-rows.ts";
import type { Relation } from "../relation.ts";
import type { InspectStep } from "../steps/keys.ts";
import type { MadePage } from "../steps/made.ts";
import { inspectionPage, type ShownRow } from "./page.ts";
import { type Chart, counted, histogram, totals } from "./summary.ts";

/** Rows whose language is told: that takes a quarter of a millisecond for each. */
const TOLD = 20_000;
const BROKEN = 12;
const THUMBNAIL = 240;

const TEXT: readonly ComputedColumn[] = ["_fault", "_odd", "_turns", "_question", "_answer", "_pictures"];
const SIZE: readonly ComputedColumn[] = ["_tokens", "_picture_tokens", "_answer_tokens"];
const PICTURES: readonly ComputedColumn[] = ["_width", "_height", "_aspect", "_entropy", "_blur"];

async function thumbnail(source: string | Uint8Array): Promise<string | undefined> {
  try {
    const { data, width, height } = await loadImage(source);
    const small = sharp(data, { raw: { width, height, channels: 3 } }).resize(THUMBNAIL, THUMBNAIL, {
      fit: "inside",
      withoutEnlargement: true,
    });
    return `data:image/jpeg;base64,${(await small.jpeg({ quality: 75 }).toBuffer()).toString("base64")}`;
  } catch {
    return undefined;
  }
}

/** Rows by number as the page shows them. */
async function showRows(
  workshop: Workshop,
  relation: Relation,
  numbers: ReadonlyMap<number, readonly string[]>,
): Promise<ShownRow[]> {
  if (numbers.size === 0) return [];
  const { settings } = workshop;
  const only = {
    ...relation,
    sql: `SELECT * FROM (${relation.sql}) WHERE _row IN (${[...numbers.keys()].join(", ")})`,
  };
  const shown: ShownRow[] = [];
  for await (const batch of numberedRows(workshop, only))
    for (const [row, content] of batch) {
      const notes = numbers.get(row)!;
      try {
        const parsed = typeof content === "string" ? JSON.parse(content) : content;
        const messages = messagesOf(parsed, { folder: settings.images, question: settings.question });
        const said = (role: string) =>
          messages
            .filter((turn) => turn.role === role)
            .map(textOf)
            .join("\n");
        const pictures = await Promise.all(picturesOf(messages).slice(0, 4).map(thumbnail));
        shown.push({
          row,
          notes,
          question: said("user"),
          answer: said("assistant"),
          pictures: pictures.filter((url) => url !== undefined),
        });
      } catch {
        const text = typeof content === "string" ? content : JSON.stringify(Object.keys(content as object));
        shown.push({ row, notes, question: text, answer: "", pictures: [] });
      }
    }
  return shown.sort((a, b) => a.row - b.row);
}

/** Languages of at most 20,000 rows; none where the package that tells them is not installed. */
async function languages(workshop: Workshop, relation: Relation, rows: number): Promise<Chart[]> {
  try {
    needPackage("Telling languages", "tinyld");
  } catch (error) {
    if (!(error instanceof MissingPackageError)) throw error;
    workshop.print(error.message);
    return [];
  }
  const every = Math.max(1, Math.ceil(rows / TOLD));
  const some = { ...relation, sql: `SELECT * FROM (${relation.sql}) WHERE _row % ${every} = 0` };
  const told = await withComputed(workshop, some, ["_language"], "told");
  const each = every === 1 ? "" : ` (of every ${every}th row)`;
  const list = await counted(
    workshop.database,
    `(SELECT CASE _language WHEN '' THEN 'cannot be told' ELSE _language END AS l FROM (${told.sql}))`,
    "l",
  );
  return [{ title: `Languages${each}`, bars: list }];
}

/** Inspects rows. @param title of the page */
export async function inspectRows(
  workshop: Workshop,
  relation: Relation,
  step: InspectStep,
  title: string,
): Promise<MadePage> {
  const { database, settings } = workshop;
  const tokens = settings.model !== undefined;
  const columns = [...TEXT, ...(tokens ? SIZE : []), ...PICTURES];
  const measured = await withComputed(workshop, relation, columns, "inspected_rows");
  const shownKeys = `SELECT _row, list(key ORDER BY place)::VARCHAR AS _shown FROM inspected_rows_pictures GROUP BY _row`;
  const listed = columns.map((name) => `i.${identifier(name)}::${typeOf(name)} AS ${name}`).join(", ");
  await database.run(
    `CREATE OR REPLACE TABLE inspected AS SELECT i._row, ${listed}, s._shown FROM (${measured.sql}) i LEFT JOIN (${shownKeys}) s ON s._row = i._row`,
  );
  const numbers = await totals(database, "inspected", tokens);
  const chart = async (name: string, column: string, part?: string) => ({
    title: name,
    bars: await histogram(database, "inspected", column, part),
  });
  const charts: Chart[] = [
    ...(tokens
      ? [
          await chart(
            "Rows by tokens (inside: mean tokens of pictures × rows ÷ tokens)",
            "_tokens",
            "count(*) * sum(_picture_tokens) / sum(_tokens)",
          ),
          await chart("Rows by tokens of the answers", "_answer_tokens"),
        ]
      : []),
    ...(await languages(workshop, relation, numbers.rows!)),
    { title: "Turns", bars: await counted(database, "inspected", "_turns") },
    { title: "Odd turns", bars: await counted(database, "inspected", "_odd") },
    {
      title: "Why rows are broken",
      bars: await counted(database, "inspected", "regexp_replace(_fault, '[^ ]*[/\\\\][^ ]*', '…', 'g')"),
    },
    { title: "Pictures of a row", bars: await counted(database, "inspected", "_pictures") },
    await chart("Width of the (smallest) picture", "_width"),
    await chart("Height of the (smallest) picture", "_height"),
    await chart("Width ÷ height", "_aspect"),
    await chart("Entropy of pictures in bits: little is in those of few", "_entropy"),
    await chart("Variance of the Laplacian: small where pictures are blurred", "_blur"),
    { title: "Most frequent questions", bars: await counted(database, "inspected", "_question") },
  ];
  const drawn = await database.rows(
    `SELECT _row, ${tokens ? "_tokens" : "NULL AS _tokens"} FROM inspected WHERE _fault IS NULL ORDER BY md5(concat(${step.seed}, '/', _row)) LIMIT ${step.shown}`,
  );
  const broken = await database.rows(
    `SELECT _row, _fault FROM inspected WHERE _fault IS NOT NULL ORDER BY _row LIMIT ${BROKEN}`,
  );
  const page = inspectionPage({
    title,
    totals: numbers,
    charts,
    rows: await showRows(
      workshop,
      relation,
      new Map(drawn.map((row) => [Number(row._row), row._tokens === null ? [] : [`${row._tokens} tokens`]])),
    ),
    broken: await showRows(workshop, relation, new Map(broken.map((row) => [Number(row._row), [String(row._fault)]]))),
  });
  return { page, details: numbers };
}
