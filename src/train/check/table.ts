/** @file The table of a comparison: one line for each number or tensor, and a summary. */

import type { CheckRow } from "./compare.ts";

const show = (x: number): string => (x === 0 ? "0" : x.toExponential(1));

/**
 * @returns lines: name, largest difference, tolerance, ok or FAIL, note; then how many failed
 * @example console.log(checkTable(await checkTraining(folder)).join("\n"))
 */
export function checkTable(rows: readonly CheckRow[]): string[] {
  const cells = rows.map((r) => [
    r.kind,
    r.name,
    show(r.difference),
    show(r.tolerance),
    r.ok ? "ok" : "FAIL",
    r.note ?? "",
  ]);
  const head = ["kind", "name", "max difference", "tolerance", "", ""];
  const widths = head.map((h, i) => Math.max(h.length, ...cells.map((c) => c[i]!.length)));
  const line = (c: readonly string[]) =>
    c
      .map((text, i) => text.padEnd(widths[i]!))
      .join("  ")
      .trimEnd();
  const failed = rows.filter((r) => !r.ok).length;
  const summary = failed ? `${failed} of ${rows.length} are past their tolerance` : `all ${rows.length} are equal`;
  return [line(head), ...cells.map(line), summary];
}
