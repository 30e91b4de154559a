/** @file The report of a task that is no benchmark set: the mean score with its interval, overall and by kind of question. */
import type { Scored, SetReport } from "../../vlmeval/index.ts";

/** Columns that can name kinds of questions, best first. */
const KIND_COLUMNS = ["family", "category", "kind", "split"];

/** @example taskReport(scored).headline // "Overall" */
export function taskReport(rows: readonly Scored[]): SetReport {
  const unitsOf = (part: readonly Scored[]) => part.map((row) => ({ id: row.index, value: row.score.value }));
  const mean = (part: readonly Scored[]) => (part.reduce((sum, row) => sum + row.score.value, 0) / part.length) * 100;
  const column = KIND_COLUMNS.find((name) => rows.some((row) => (row.cells[name] ?? null) !== null));
  const kinds = column === undefined ? [] : [...new Set(rows.map((row) => row.cells[column] ?? "none"))].sort();
  const parts = kinds.map((name) => ({ name, rows: rows.filter((row) => (row.cells[column!] ?? "none") === name) }));
  const categories = parts.map((part) => ({ name: part.name, value: mean(part.rows), count: part.rows.length }));
  const cells = { Overall: mean(rows), ...Object.fromEntries(categories.map(({ name, value }) => [name, value])) };
  return {
    table: { columns: Object.keys(cells), rows: [cells] },
    metrics: [
      { name: "Overall", combine: "mean", units: unitsOf(rows) },
      ...parts.map((part) => ({ name: `${column} ${part.name}`, combine: "mean" as const, units: unitsOf(part.rows) })),
    ],
    headline: "Overall",
    categories,
  };
}
