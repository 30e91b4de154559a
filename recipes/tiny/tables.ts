/** @file Writes what `evaluate.ts` measured into RESULTS.md and both READMEs; `tsx -C flashvl-source recipes/tiny/tables.ts` writes them again. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { markdownTable, type OwnTable, showCell } from "flashvl/eval";
import { families } from "./market/index.ts";
import type { Measured } from "./ordinary-sets.ts";

const here = (name: string): string => join(import.meta.dirname, name);
export const RESULTS_FILE = here("results.json");
const ORDINARY_FILE = here("ordinary.json");

/** What one model reached on the sets of ordinary asking. */
export interface OrdinaryResults {
  stage: string;
  limit: number | null;
  rows: Measured[];
}

export const readOrdinary = (): OrdinaryResults[] =>
  existsSync(ORDINARY_FILE) ? JSON.parse(readFileSync(ORDINARY_FILE, "utf8")) : [];
export const writeOrdinary = (models: readonly OrdinaryResults[]): void =>
  writeFileSync(ORDINARY_FILE, `${JSON.stringify(models, null, 1)}\n`);
/** What stage 3 rewards. */
export const REWARDED = { name: "families 3 to 5", families: [3, 4, 5] } as const;
const METRICS = ["Overall", ...families.map((f) => `family ${f}`), REWARDED.name];
/** The table of a README leaves out the general part, and precisions that change nothing. */
const README_METRICS = METRICS.filter((name) => name !== "family 7" && name !== REWARDED.name);

type Column = OwnTable["columns"][number];
type Cell = Column["cells"][number];

const find = (column: Column, name: string): Cell | undefined => column.cells.find((cell) => cell.name === name);
const show = (cell: Cell | undefined, spread = true): string =>
  cell ? showCell(spread ? cell : { ...cell, interval: null }) : "–";

function resultsTable({ limit, columns }: OwnTable): string {
  const rows = columns.map((column) => [
    column.title,
    ...METRICS.map((name) => show(find(column, name))),
    String(find(column, "Overall")!.count),
  ]);
  const asked = limit === null ? "" : `, the first ${limit} questions of each part`;
  return `## The market

Percent of right answers with 95 % intervals, greedy decoding, float32 unless named, \`recipes/tiny/evaluate.ts\`${asked}.

${markdownTable(["", "overall", ...METRICS.slice(1), "questions"], rows).join("\n")}`;
}

/** A row for each set, a column for each model. */
function ordinaryTable(models: readonly OrdinaryResults[]): string {
  const titles = [...new Set(models.flatMap(({ rows }) => rows.map(({ title }) => title)))];
  const rows = titles.map((title) => {
    const found = models.map((model) => model.rows.find((row) => row.title === title));
    const cells = found.map((row) => {
      if (!row) return "–";
      if (row.value === null) return `skipped: ${row.skipped}`;
      return `${showCell({ value: row.value, interval: row.interval })} of ${row.count}`;
    });
    return [title, found.find((row) => row)!.bar, ...cells];
  });
  const heads = models.map(({ stage, limit }) => (limit === null ? stage : `${stage}, first ${limit} of each set`));
  return `## Ordinary asking

Percent of right answers with 95 % intervals, greedy decoding, float32, \`recipes/tiny/evaluate.ts\`. Turns are asked after the right answers to those before them. "Refused" counts answers that say that
something is not there or cannot be seen.

${markdownTable(["set", "bar", ...heads], rows).join("\n")}`;
}

/** The README's words in each language; a title's parts are replaced one by one. */
const languages = {
  "README.md": {
    head: [
      "",
      "overall",
      "row and column",
      "where is X, its price",
      "counting",
      "comparing",
      "arithmetic",
      "all cells",
      "questions",
    ],
    titles: [] as [string, string][],
  },
  "README.zh-CN.md": {
    head: ["", "总体", "第几行第几列", "X 在哪里、多少钱", "计数", "比较", "计算", "所有格子", "题数"],
    titles: [
      ["most frequent answer", "总答最常见的答案"],
      ["without the picture", "不看图"],
      ["fonts never seen in training", "没见过的字体"],
      ["drawings never seen in training", "没见过的图画"],
      ["base", "基础"],
      ["worked answers only", "只学写出步骤的回答"],
      [", ", ","],
    ] as [string, string][],
  },
};

function readmeTable(columns: readonly Column[], file: keyof typeof languages): string {
  const { head, titles } = languages[file];
  const rows = columns
    .filter(({ part }) => part !== "market/test/other")
    .map((column) => [
      titles.reduce((text, [from, to]) => text.replace(from, to), column.title),
      ...README_METRICS.map((name) => show(find(column, name), name === "Overall")),
      String(find(column, "Overall")!.count),
    ]);
  return markdownTable(head, rows).join("\n");
}

/** Replaces what stands between the marks of `name` in a Markdown file. */
function writeSection(name: string, body: string, file: string): void {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const text = readFileSync(file, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no ${begin} … ${end}.`);
  writeFileSync(file, `${text.slice(0, from)}${begin}\n${body}\n${text.slice(to)}`);
}

/** Writes every table from the numbers of the evaluations. */
export function writeTables(): void {
  const results = JSON.parse(readFileSync(RESULTS_FILE, "utf8")) as OwnTable;
  writeSection("market", resultsTable(results), here("RESULTS.md"));
  const ordinary = readOrdinary();
  if (ordinary.length > 0) writeSection("ordinary", ordinaryTable(ordinary), here("RESULTS.md"));
  for (const file of Object.keys(languages) as (keyof typeof languages)[]) {
    writeSection("tiny", readmeTable(results.columns, file), here(`../../${file}`));
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) writeTables();
