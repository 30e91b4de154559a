/** @file Which rank does which of a number of items. */

/** Items from `start` on, before `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * The items of a rank: a run of neighbours, so that blocks of a pairwise sum are whole on one rank where they can be.
 * @example deal(4, 0, 2) // { start: 0, end: 2 }
 */
export function deal(items: number, rank: number, ranks: number): Range {
  const each = Math.ceil(items / ranks);
  return { start: Math.min(items, rank * each), end: Math.min(items, (rank + 1) * each) };
}

/** Does an item's work on the rank that it is dealt to, and gives what came of all, in order, on every rank. */
export const dealt = <T>(items: readonly T[], { rank, size }: { rank: number; size: number }): readonly T[] => {
  const { start, end } = deal(items.length, rank, size);
  return items.slice(start, end);
};
