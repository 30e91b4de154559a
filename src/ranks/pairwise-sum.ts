/** @file A sum whose order depends on nothing but the number of its items: by pairs, then by pairs of pairs. */

/** The sum of the items `start` to `start + 2^level - 1`. */
export interface Block<T> {
  readonly start: number;
  readonly level: number;
  readonly sum: T;
}

/** Whether two blocks are the halves of one: the first begins at a multiple of twice its size, and the other follows it. */
const areHalves = (a: Omit<Block<unknown>, "sum">, b: Omit<Block<unknown>, "sum">): boolean =>
  a.level === b.level && a.start % 2 ** (a.level + 1) === 0 && b.start === a.start + 2 ** a.level;

/**
 * Items or blocks of them are pushed in order; halves are added as soon as both are there. What is left at the end, such as (0 1)
 * and 2 of three, is added from the right. So the sum of all is the same bits whether one process pushed every item, or
 * several pushed a run of neighbours each and one of them pushed the blocks that those left.
 */
export class PairwiseSum<T> {
  readonly #blocks: { start: number; level: number; sum: T }[] = [];
  readonly #keep: (value: T, place: number) => T;
  readonly #add: (into: T, value: T) => void;

  /**
   * @param keep a copy of `value` that may be added to; `place` is how many blocks stand before it
   * @param add adds `value` to `into`, in place
   */
  constructor(keep: (value: T, place: number) => T, add: (into: T, value: T) => void) {
    this.#keep = keep;
    this.#add = add;
  }

  reset(): void {
    this.#blocks.length = 0;
  }

  /** Blocks that have not found their other half yet, in order. */
  get blocks(): readonly Block<T>[] {
    return this.#blocks;
  }

  /** @param value is only read, and not kept */
  push(start: number, level: number, value: T): void {
    const last = this.#blocks.at(-1);
    if (last && areHalves(last, { start, level })) {
      this.#add(last.sum, value);
      last.level++;
    } else this.#blocks.push({ start, level, sum: this.#keep(value, this.#blocks.length) });
    for (;;) {
      const [a, b] = this.#blocks.slice(-2);
      if (!a || !b || !areHalves(a, b)) return;
      this.#add(a.sum, b.sum);
      a.level++;
      this.#blocks.pop();
    }
  }

  /** Adds what is left, and gives the sum of all; undefined where nothing was pushed. */
  finish(): T | undefined {
    while (this.#blocks.length > 1) {
      const last = this.#blocks.pop()!;
      this.#add(this.#blocks.at(-1)!.sum, last.sum);
    }
    return this.#blocks[0]?.sum;
  }
}

/** Places and sizes of the blocks that a rank with the items `start` to `end - 1` is left with. */
export function blocksOf(start: number, end: number): { start: number; level: number }[] {
  const sum = new PairwiseSum<undefined>(
    () => undefined,
    () => {},
  );
  for (let item = start; item < end; item++) sum.push(item, 0, undefined);
  return sum.blocks.map(({ start: from, level }) => ({ start: from, level }));
}
