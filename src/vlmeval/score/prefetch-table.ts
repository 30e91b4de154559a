/** @file The table of the mathematics sets: rows, rows decided without a judge, rows right, per group. */
import type { Table } from "./table.ts";

/**
 * @param nameColumn header of the first column
 * @param rows each with the groups it counts in, in order; `Overall` comes by itself
 * @example prefetchTable("Subject", [{ groups: ["algebra"], prefetched: true, correct: true }])
 */
export function prefetchTable(
  nameColumn: string,
  rows: readonly { groups: readonly string[]; prefetched: boolean; correct: boolean }[],
): Table {
  const cells = new Map<string, { tot: number; prefetch: number; hit: number }>();
  for (const row of rows) {
    for (const name of ["Overall", ...row.groups]) {
      const cell = cells.get(name) ?? { tot: 0, prefetch: 0, hit: 0 };
      cells.set(name, cell);
      cell.tot++;
      if (row.prefetched) cell.prefetch++;
      if (row.correct) cell.hit++;
    }
  }
  return {
    columns: [nameColumn, "tot", "prefetch", "hit", "prefetch_rate", "acc"],
    rows: [...cells].map(([name, { tot, prefetch, hit }]) => ({
      [nameColumn]: name,
      tot,
      prefetch,
      hit,
      prefetch_rate: (prefetch / tot) * 100,
      acc: (hit / tot) * 100,
    })),
  };
}
