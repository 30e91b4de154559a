/** @file What there is to say about rows: queries over a relation with its computed columns. */

import type { Database, Row } from "../database.ts";
import type { Bar } from "./bars.ts";

/** A chart and what it counts. */
export interface Chart {
  readonly title: string;
  readonly bars: readonly Bar[];
}

/** Buckets of a histogram. */
const BUCKETS = 12;

const bar = ({ label, value, part }: Row): Bar => ({
  label: String(label),
  value: Number(value),
  ...(part === undefined || part === null ? {} : { part: Number(part) }),
});

/** Rows by the value of a column, the most frequent first. */
export async function counted(database: Database, table: string, column: string, most = BUCKETS): Promise<Bar[]> {
  const rows = await database.rows(
    `SELECT ${column} AS label, count(*) AS value FROM ${table} WHERE ${column} IS NOT NULL GROUP BY label ORDER BY value DESC, label LIMIT ${most}`,
  );
  return rows.map(bar);
}

/** Rows by ranges of a number, of equal width up to the 99th percentile. @param part a sum or mean to show inside of each bar */
export async function histogram(database: Database, table: string, column: string, part?: string): Promise<Bar[]> {
  const [range] = await database.rows(
    `SELECT min(${column}) AS least, quantile_cont(${column}, 0.99) AS most, count(${column}) AS n FROM ${table}`,
  );
  const { least, most, n } = range as { least: unknown; most: unknown; n: unknown };
  if (Number(n) === 0) return [];
  const from = Number(least);
  const rough = (Number(most) - from) / BUCKETS || 1;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const width = Math.ceil(rough / unit) * unit;
  const start = Math.floor(from / width) * width;
  const rows = await database.rows(
    `SELECT least(floor((${column} - ${start}) / ${width}), ${BUCKETS}) AS bucket, count(*) AS value ${part ? `, ${part} AS part` : ""}
     FROM ${table} WHERE ${column} IS NOT NULL GROUP BY bucket ORDER BY bucket`,
  );
  const number = (value: number) => String(+value.toPrecision(6));
  return rows.map((row) => {
    const bucket = Number(row.bucket);
    const low = start + bucket * width;
    return bar({
      ...row,
      label: bucket === BUCKETS ? `${number(low)} and more` : `${number(low)} to ${number(low + width)}`,
    });
  });
}

/** The numbers that the page opens with. */
export async function totals(database: Database, table: string, tokens: boolean): Promise<Record<string, number>> {
  const [row] = await database.rows(
    `SELECT count(*) AS rows, count(_fault) AS broken, count(_odd) AS odd, sum(_pictures) AS pictures,
     count(*) FILTER (_pictures = 0) AS withoutPicture,
     count(_question) - count(DISTINCT md5(_question || chr(0) || coalesce(_answer, '') || chr(0) || coalesce(_shown, ''))) AS duplicates,
     count(_question) - count(DISTINCT _question) AS repeatedQuestions
     ${tokens ? ", sum(_tokens) AS tokens, sum(_picture_tokens) AS pictureTokens, sum(_answer_tokens) AS answerTokens, max(_tokens) AS longest" : ""} FROM ${table}`,
  );
  return Object.fromEntries(Object.entries(row!).map(([name, value]) => [name, Number(value ?? 0)]));
}
