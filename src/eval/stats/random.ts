/** @file Seeded random numbers for resampling, the same on every machine. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** A source of whole numbers below a bound. */
export type Below = (bound: number) => number;

/** @example const below = seededBelow(1); below(6) */
export function seededBelow(seed: number): Below {
  const generator = xoroshiro128plus(seed);
  return (bound) => uniformInt(generator, 0, bound - 1);
}
