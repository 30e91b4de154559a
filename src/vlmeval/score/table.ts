/** @file A table of results, named columns over rows of numbers and texts; and groups of rows by a key. */
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

/**
 * @returns rows by key, keys in order of first appearance
 * @example groupBy([1, 2, 3], (n) => String(n % 2)) // "1" → [1, 3], "0" → [2]
 */
export function groupBy<Row>(rows: readonly Row[], key: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const name = key(row);
    const group = groups.get(name);
    if (group) group.push(row);
    else groups.set(name, [row]);
  }
  return groups;
}
