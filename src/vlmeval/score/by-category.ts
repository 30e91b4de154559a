/** @file Accuracy per value of a column, for plots. */
import { npMean } from "../python/np-mean.ts";
import type { Scored } from "../set-definition.ts";
import { byCodePoint } from "./report-accuracy.ts";
import { distinct } from "./table.ts";

/**
 * @param columns the first of these that the rows have decides
 * @returns percent and number of rows per value, sorted by name; empty without such a column
 */
export function byCategory(
  rows: readonly Scored[],
  columns: readonly string[],
): { name: string; value: number; count: number }[] {
  const column = columns.find((name) => rows.some((row) => (row.cells[name] ?? null) !== null));
  if (column === undefined) return [];
  return distinct(rows, (row) => row.cells[column])
    .sort(byCodePoint)
    .map((name) => {
      const part = rows.filter((row) => row.cells[column] === name);
      return { name, value: npMean(part.map((row) => row.score.value)) * 100, count: part.length };
    });
}

/** One unit per row. */
export function rowUnits(rows: readonly Scored[]): { id: string; value: number }[] {
  return rows.map((row) => ({ id: row.index, value: row.score.value }));
}
