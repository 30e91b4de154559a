/** @file Groups of rows by a key. */

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
