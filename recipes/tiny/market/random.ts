/** @file Seeded random choices for the market generator: the same numbers give the same picture and the same questions. */

import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";

/** The choices a generator needs, over one seeded stream. */
export interface Random {
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Uniform integer, both ends included. */
  integer(low: number, high: number): number;
  /** True with probability p. */
  chance(p: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** Picks by weight: `[["rare", 1], ["usual", 9]]`. */
  weighted<T>(items: readonly (readonly [T, number])[]): T;
  /** `count` different items in random order; all of them when count is left out. */
  sample<T>(items: readonly T[], count?: number): T[];
}

/** Mixes integers to one 32-bit value (the finaliser of MurmurHash3, Appleby 2011), so that neighbouring seeds share nothing. */
export function mixSeed(...parts: number[]): number {
  let h = 0x9e3779b9;
  for (const part of parts) {
    // Both halves of the number count: seeds may be larger than 32 bits.
    for (const word of [part >>> 0, Math.floor(part / 2 ** 32) >>> 0]) {
      h = Math.imul(h ^ word, 0x85ebca6b);
      h ^= h >>> 13;
      h = Math.imul(h, 0xc2b2ae35);
      h ^= h >>> 16;
    }
  }
  return h >>> 0;
}

/**
 * A seeded stream of choices (xoroshiro128+).
 * @param parts integers that name the stream, for example a picture's seed and the number of a purpose
 * @example createRandom(7, 1).pick(["a", "b"])
 */
export function createRandom(...parts: number[]): Random {
  const state = [1, 2, 3, 4].map((lane) => mixSeed(lane, ...parts) | 0);
  const stream = xoroshiro128plusFromState(state);
  const float = () => uniformFloat64(stream);
  const integer = (low: number, high: number) => low + Math.floor(float() * (high - low + 1));
  return {
    between: (low, high) => low + float() * (high - low),
    integer,
    chance: (p) => float() < p,
    pick: (items) => items[integer(0, items.length - 1)]!,
    weighted(items) {
      let left = float() * items.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [item, weight] of items) {
        left -= weight;
        if (left < 0) return item;
      }
      return items.at(-1)![0];
    },
    sample(items, count = items.length) {
      const pool = [...items];
      for (let i = 0; i < Math.min(count, pool.length); i++) {
        const j = integer(i, pool.length - 1);
        [pool[i], pool[j]] = [pool[j]!, pool[i]!];
      }
      return pool.slice(0, count);
    },
  };
}
