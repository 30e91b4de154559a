/** @file A table of results: named columns, rows of numbers and texts. */

export type Value = string | number | boolean | null;

export interface Table {
  columns: string[];
  rows: Record<string, Value>[];
}

/** A one-row table, columns in the order of the object's keys. */
export function oneRow(row: Record<string, Value>): Table {
  return { columns: Object.keys(row), rows: [row] };
}

/** The distinct values that `pick` gives, in order of first appearance; null and undefined are left out. */
export function distinct<T>(items: readonly T[], pick: (item: T) => string | null | undefined): string[] {
  const seen = new Set<string>();
  for (const item of items) {
    const value = pick(item);
    if (value !== null && value !== undefined) seen.add(value);
  }
  return [...seen];
}
