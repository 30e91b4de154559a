/** @file A set of 64-bit hashes that threads share: which runs of words stand in benchmark questions. */

/** Places of two numbers each, in memory that threads share; a pair of zeros is an empty place. */
export class HashTable {
  readonly shared: SharedArrayBuffer;
  readonly #places: Uint32Array;
  readonly #mask: number;

  constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
    this.#places = new Uint32Array(shared);
    this.#mask = this.#places.length / 2 - 1;
  }

  /** @param most hashes that will be added; 16 to 32 bytes each */
  static forAtMost(most: number): HashTable {
    return new HashTable(new SharedArrayBuffer(8 * 2 ** Math.ceil(Math.log2(2 * Math.max(8, most)))));
  }

  /** The place of a hash, or the empty one where it would be. */
  #placeOf(a: number, b: number): number {
    let place = (a ^ b) & this.#mask;
    for (;;) {
      const [x, y] = [this.#places[2 * place]!, this.#places[2 * place + 1]!];
      if ((x === a && y === b) || (x === 0 && y === 0)) return place;
      place = (place + 1) & this.#mask;
    }
  }

  /** @returns the hash's number from now on */
  add(a: number, b: number): number {
    const place = this.#placeOf(a, b);
    this.#places.set([a, b], 2 * place);
    return place;
  }

  /** The number of a hash; undefined where it was not added. */
  find(a: number, b: number): number | undefined {
    const place = this.#placeOf(a, b);
    return this.#places[2 * place] === a && this.#places[2 * place + 1] === b ? place : undefined;
  }
}
