/** @file The table that a model brings along: what each stage of its training scored, to print beside a run. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { withCode } from "../with-code.ts";
import type { SetResult } from "./result.ts";

/** Name of the file in a model's folder. */
export const OWN_TABLE_FILE = "evaluation.json";

const interval = z.object({ low: z.number(), high: z.number() });
const ownTable = z.object({
  /** Rows of each part that were asked, where not all were. */
  limit: z.number().nullable(),
  columns: z.array(
    z.object({
      /** For example "+ SFT, int8". */
      title: z.string(),
      /** The set, for example "market/held-out-art". */
      part: z.string(),
      cells: z.array(
        z.object({ name: z.string(), value: z.number(), interval: interval.nullable(), count: z.number() }),
      ),
    }),
  ),
});
export type OwnTable = z.infer<typeof ownTable>;
type Cell = OwnTable["columns"][number]["cells"][number];

/**
 * The table in a model's folder, or undefined where there is none.
 * @throws Error with code "invalid" when the file is not such a table
 * @example readOwnTable("models/flashvl-tiny")?.columns.map(({ title }) => title)
 */
export function readOwnTable(folder: string): OwnTable | undefined {
  const path = join(folder, OWN_TABLE_FILE);
  if (!existsSync(path)) return undefined;
  try {
    return ownTable.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw withCode("invalid", `${path} is not a table of stages: ${(error as Error).message}`);
  }
}

/** "83.8 (81.6–85.8)": a value with its 95 % interval, where it has one. */
export const showCell = ({ value, interval: spread }: Pick<Cell, "value" | "interval">): string =>
  spread ? `${value.toFixed(1)} (${spread.low.toFixed(1)}–${spread.high.toFixed(1)})` : value.toFixed(1);

/**
 * A run's result below the stages that were measured on the same set, as rows of a table with a head; none when the table
 * does not know the set.
 * @example printLines(formatTable(ownTableRows(table, result)));
 */
export function ownTableRows({ columns }: OwnTable, result: SetResult): string[][] {
  // A baseline without the picture belongs to the set whose questions it answers.
  const stages = columns.filter(({ part }) => part === result.dataset || part === `${result.dataset}/blind`);
  if (stages.length === 0) return [];
  const names = result.metrics.map(({ name }) => name);
  const row = (title: string, cells: readonly Omit<Cell, "count">[]): string[] => [
    title,
    ...names.map((name) => {
      const cell = cells.find((one) => one.name === name);
      return cell ? showCell(cell) : "–";
    }),
  ];
  const own = result.metrics.flatMap(({ value, ...rest }) => (value === null ? [] : [{ value, ...rest }]));
  return [
    ["", ...names],
    ...stages.map(({ title, cells }) => row(title, cells)),
    row(`this run, ${result.rows} questions`, own),
  ];
}
