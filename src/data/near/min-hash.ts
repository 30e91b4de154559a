/** @file MinHash of texts (Broder 1997) with locality-sensitive hashing: texts that share many runs of words share a band. */

import { mix, runsOf } from "../measure/words.ts";

/** Hash functions of a signature. */
const PERMUTATIONS = 128;
/** Share of the texts just at the threshold that may be missed. */
const MISSED = 0.005;

export interface Bands {
  readonly bands: number;
  readonly rows: number;
}

/**
 * Bands × rows of a signature. Two texts of similarity s share a band with 1 - (1 - s^rows)^bands; the most rows are taken (few texts
 * are compared for nothing) with which that is at least 99.5 % at the threshold.
 * @example bandsFor(0.8) // { bands: 21, rows: 6 }
 */
export function bandsFor(threshold: number): Bands {
  const missed = (rows: number) => (1 - threshold ** rows) ** Math.floor(PERMUTATIONS / rows);
  let rows = 1;
  while (rows < PERMUTATIONS && missed(rows + 1) <= MISSED) rows++;
  return { bands: Math.floor(PERMUTATIONS / rows), rows };
}

/** The set of a text's runs of `n` units: different hashes of 32 bits, ascending. */
export function shinglesOf(text: string, n: number): Uint32Array {
  const runs = runsOf(text, n);
  const all = new Uint32Array(runs.length / 2);
  for (let i = 0; i < all.length; i++) all[i] = runs[2 * i]!;
  all.sort();
  return all.filter((hash, i) => i === 0 || hash !== all[i - 1]);
}

/** The smallest value of each hash function over a set, `rows` of them together as one number: [bands]. */
export function bandKeys(shingles: Uint32Array, { bands, rows }: Bands): Uint32Array {
  const keys = new Uint32Array(bands);
  for (let band = 0; band < bands; band++) {
    let key = band;
    for (let row = 0; row < rows; row++) {
      const seed = Math.imul(band * rows + row + 1, 0x9e3779b1);
      let least = 0xffffffff;
      for (let i = 0; i < shingles.length; i++) {
        let hash = Math.imul(shingles[i]! ^ seed, 0x85ebca6b);
        hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35) >>> 0;
        if (hash < least) least = hash;
      }
      key = mix(Math.imul(key, 31) ^ least);
    }
    keys[band] = key;
  }
  return keys;
}

/** A hash of the whole set, two numbers: equal texts have equal ones. */
export function setHash(shingles: Uint32Array): readonly [number, number] {
  let [a, b] = [shingles.length, 0x2545f491];
  for (const one of shingles) {
    a = mix(Math.imul(a, 31) ^ one);
    b = mix((Math.imul(b, 37) + one) | 0);
  }
  return [a, b];
}

/** Share of what two sets have together that is in both; both ascending. @example jaccard(Uint32Array.of(1, 2), Uint32Array.of(2, 3)) // 1 / 3 */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let [i, j, both] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const [x, y] = [a[i]!, b[j]!];
    if (x === y) both++;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  const all = a.length + b.length - both;
  return all === 0 ? 0 : both / all;
}
