/** @file Connected components of row numbers, by union-find: what is near, and near to what is near, belongs together. */

export class Components {
  /** Of each number one in its component, 0 for itself; the smallest number of a component is its own. */
  #parents: Uint32Array;

  /** @param most the largest number; 4 bytes each */
  constructor(most: number) {
    this.#parents = new Uint32Array(most + 1);
  }

  /** The smallest number of the component of `number`, which counts from 1. */
  first(number: number): number {
    const parents = this.#parents;
    let at = number;
    while (parents[at]! !== 0) {
      const up = parents[at]!;
      if (parents[up]! !== 0) parents[at] = parents[up]!; // half of the way next time
      at = up;
    }
    return at;
  }

  join(a: number, b: number): void {
    const [x, y] = [this.first(a), this.first(b)];
    if (x !== y) this.#parents[Math.max(x, y)] = Math.min(x, y);
  }

  /** Numbers that are not the first of their component, with the first, ascending. */
  *rest(): Generator<readonly [number: number, first: number]> {
    for (let number = 1; number < this.#parents.length; number++)
      if (this.#parents[number] !== 0) yield [number, this.first(number)];
  }
}
