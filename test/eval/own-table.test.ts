/** @file A model's own table of stages is read from its folder and printed with the run below it. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import marketTest from "../../recipes/tiny/tasks.ts";
import { OWN_TABLE_FILE, ownTableRows, readOwnTable } from "../../src/eval/index.ts";
import type { SetResult } from "../../src/eval/report/result.ts";
import { defaultModelFolder } from "../../src/node/index.ts";

const folder = mkdtempSync(join(tmpdir(), "own-table-"));
afterAll(() => rmSync(folder, { recursive: true }));

const cell = (name: string, value: number) => ({
  name,
  value,
  interval: { low: value - 2, high: value + 3 },
  count: 10,
});
const metric = (name: string, value: number | null) => ({
  ...cell(name, value ?? 0),
  value,
  unit: "%" as const,
});
const result = {
  dataset: "market/test",
  rows: 40,
  metrics: [metric("Overall", 61.26), metric("family 1", 90), metric("family 9", null)],
} as SetResult;

test("the stages of the same set stand above the run, with the baseline that saw no picture", () => {
  const columns = [
    { title: "+ SFT, blind", part: "market/test/blind", cells: [cell("Overall", 20)] },
    { title: "+ SFT", part: "market/test", cells: [cell("family 1", 85), cell("Overall", 50.04)] },
    { title: "+ SFT, drawings", part: "market/held-out-art", cells: [cell("Overall", 40)] },
  ];
  writeFileSync(join(folder, OWN_TABLE_FILE), JSON.stringify({ limit: 7, columns }));
  expect(ownTableRows(readOwnTable(folder)!, result)).toEqual([
    ["", "Overall", "family 1", "family 9"],
    ["+ SFT, blind", "20.0 (18.0–23.0)", "–", "–"],
    ["+ SFT", "50.0 (48.0–53.0)", "85.0 (83.0–88.0)", "–"],
    ["this run, 40 questions", "61.3 (59.3–64.3)", "90.0 (88.0–93.0)", "–"],
  ]);
  expect(ownTableRows(readOwnTable(folder)!, { ...result, dataset: "MMStar" })).toEqual([]);
});

test("a folder without a table has none, and a broken table is named", () => {
  writeFileSync(join(folder, OWN_TABLE_FILE), '{"columns": 3}');
  expect(() => readOwnTable(folder)).toThrow(/evaluation\.json is not a table of stages/);
  rmSync(join(folder, OWN_TABLE_FILE));
  expect(readOwnTable(folder)).toBeUndefined();
});

test("the shipped model brings the table of its stages, under the names that sets have in results", () => {
  const { columns } = readOwnTable(defaultModelFolder())!;
  const { name } = marketTest;
  const titles = columns.filter(({ part }) => part.startsWith(name)).map(({ title }) => title);
  expect(titles).toEqual(expect.arrayContaining(["base", "+ SFT", "+ GRPO", "+ GRPO, without the picture"]));
});
