/** @file Learns byte-pair merges: counts neighbouring symbols over weighted words and joins the most frequent pair. */

import { Heap } from "./heap.ts";

/** A distinct word of the corpus and how often it occurs. */
interface Word {
  symbols: number[];
  count: number;
}

interface Pair {
  left: number;
  right: number;
  count: number;
  words: Set<Word>;
}

/** Symbols are below this, so that a pair fits exactly into one number: left * MAX_SYMBOLS + right. */
export const MAX_SYMBOLS = 2 ** 26;

/** A pair as it was counted when it was put into the heap; it may have changed since. */
type Candidate = Pick<Pair, "left" | "right" | "count">;

/** Most frequent first; of equals the pair of the oldest symbols, as Python's `tokenizers` has it. */
function isBefore(a: Candidate, b: Candidate): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.left !== b.left ? a.left < b.left : a.right < b.right;
}

/** Replace `left right` by `merged`, from the left. */
function join(symbols: readonly number[], left: number, right: number, merged: number): number[] {
  const joined: number[] = [];
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) {
      joined.push(merged);
      i++;
    } else {
      joined.push(symbols[i]!);
    }
  }
  return joined;
}

/** Words as symbols, with up-to-date counts of all neighbouring pairs. */
export class MergeCounter {
  readonly #pairs = new Map<number, Pair>();
  readonly #heap = new Heap(isBefore);

  constructor(words: Iterable<[symbols: number[], count: number]>) {
    const touched = new Set<Pair>();
    for (const [symbols, count] of words) this.#count({ symbols, count }, 1, touched);
    for (const pair of touched) this.#offer(pair);
  }

  /** Add (+1) or take away (-1) a word's pairs. */
  #count(word: Word, sign: 1 | -1, touched: Set<Pair>): void {
    for (let i = 1; i < word.symbols.length; i++) {
      const left = word.symbols[i - 1]!;
      const right = word.symbols[i]!;
      const key = left * MAX_SYMBOLS + right;
      let pair = this.#pairs.get(key);
      if (pair === undefined) {
        pair = { left, right, count: 0, words: new Set() };
        this.#pairs.set(key, pair);
      }
      pair.count += sign * word.count;
      if (sign > 0) pair.words.add(word);
      else pair.words.delete(word);
      touched.add(pair);
    }
  }

  #offer({ left, right, count }: Pair): void {
    if (count > 0) this.#heap.push({ left, right, count });
  }

  /** The most frequent pair, or undefined when no two symbols stand side by side. */
  best(): { left: number; right: number; count: number } | undefined {
    for (let candidate = this.#heap.pop(); candidate !== undefined; candidate = this.#heap.pop()) {
      if (this.#pairs.get(candidate.left * MAX_SYMBOLS + candidate.right)?.count === candidate.count) return candidate;
    }
    return undefined;
  }

  /** Join a pair into one symbol wherever it stands. */
  merge(left: number, right: number, merged: number): void {
    const pair = this.#pairs.get(left * MAX_SYMBOLS + right);
    if (pair === undefined) return;
    const touched = new Set<Pair>();
    for (const word of [...pair.words]) {
      this.#count(word, -1, touched);
      word.symbols = join(word.symbols, left, right, merged);
      this.#count(word, 1, touched);
    }
    for (const changed of touched) this.#offer(changed);
  }
}
