/** @file The report of a task that is no benchmark set: the mean score, overall and by kind of question. */
import type { Scored, SetReport } from "../../tasks/index.ts";

/** Columns that can name kinds of questions, best first. */
const KIND_COLUMNS = ["family", "category", "kind", "split"];

/** @example taskReport(scored).headline // "Overall" */
export function taskReport(rows: readonly Scored[]): SetReport {
  const units = rows.map((row) => ({ id: row.index, value: row.score.value }));
  const mean = (part: readonly Scored[]) => (part.reduce((sum, row) => sum + row.score.value, 0) / part.length) * 100;
  const column = KIND_COLUMNS.find((name) => rows.some((row) => (row.cells[name] ?? null) !== null));
  const kinds = column === undefined ? [] : [...new Set(rows.map((row) => row.cells[column] ?? "none"))].sort();
  const categories = kinds.map((name) => {
    const part = rows.filter((row) => (row.cells[column!] ?? "none") === name);
    return { name, value: mean(part), count: part.length };
  });
  const cells = { Overall: mean(rows), ...Object.fromEntries(categories.map(({ name, value }) => [name, value])) };
  return {
    table: { columns: Object.keys(cells), rows: [cells] },
    metrics: [{ name: "Overall", combine: "mean", units }],
    headline: "Overall",
    categories,
  };
}
