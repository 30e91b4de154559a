/** @file The metrics that VLMEvalKit puts into status.json: a table flattened to names and numbers, and which of them is the primary one. */
import type { Table } from "../../vlmeval/index.ts";
import { parsePyFloat } from "../../vlmeval/index.ts";

function asNumber(value: unknown): number | null {
  if (typeof value === "number") return Number.isNaN(value) ? null : value;
  if (typeof value !== "string") return null;
  const number = parsePyFloat(value);
  return number === null || Number.isNaN(number) ? null : number;
}

/**
 * Columns with any number are metrics, the others name the row.
 * @example flattenTable({ columns: ["split", "Overall"], rows: [{ split: "dev", Overall: 0.5 }] }) // { "split=dev|Overall": 0.5 }
 */
export function flattenTable(table: Table): Record<string, number> {
  const isMetric = (column: string) => table.rows.some((row) => asNumber(row[column]) !== null);
  const metrics = table.columns.filter(isMetric);
  const names = table.columns.filter((column) => !metrics.includes(column));
  const out: Record<string, number> = {};
  for (const [place, row] of table.rows.entries()) {
    const prefix = names
      .filter((name) => row[name] !== null && row[name] !== undefined && String(row[name]).trim() !== "")
      .map((name) => `${name.trim() || "value"}=${String(row[name]).trim()}`)
      .join("|");
    for (const column of metrics) {
      const number = asNumber(row[column]);
      if (number === null) continue;
      const name = column.trim() || "value";
      let key = prefix === "" ? name : `${prefix}|${name}`;
      if (Object.hasOwn(out, key)) key = `${key}#${place}`;
      out[key] = number;
    }
  }
  return out;
}

function rank(name: string): number {
  const lower = name.toLowerCase();
  let score = 0;
  if (lower === "overall") score = 100;
  else if (lower.endsWith("|overall")) score = 95;
  else if (lower.includes("overall")) score = 90;
  else if (lower === "acc" || lower.endsWith("|acc")) score = 80;
  else if (lower.includes("acc")) score = 70;
  else if (lower === "score" || lower.endsWith("|score")) score = 60;
  else if (lower.includes("score")) score = 50;
  if (lower.includes("split=test")) return score + 4;
  if (lower.includes("split=validation")) return score + 3;
  if (lower.includes("split=val")) return score + 2;
  return lower.includes("split=dev") ? score + 1 : score;
}

/**
 * The name that says most of "overall result"; among equals the first in the alphabet. Null for no names.
 * @example choosePrimaryMetric(["acc", "score"]) // "acc"
 */
export function choosePrimaryMetric(names: readonly string[]): string | null {
  const sorted = [...names].sort((a, b) => rank(b) - rank(a) || (a < b ? -1 : a > b ? 1 : 0));
  return sorted[0] ?? null;
}
