/** @file The one kind of random numbers in the engine: seeded, and its state can be saved and restored. */
import { randomInt } from "node:crypto";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus, xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";

/** A source of uniform numbers in [0, 1). */
export interface Random {
  next(): number;
  /** Enough to continue the same sequence with `randomFromState`. */
  state(): readonly number[];
}

const MAX_SEED = 2 ** 32 - 1;

/**
 * A generator for `seed`, or for a seed nobody knows when there is none.
 * @throws RangeError unless the seed is a whole number from 0 to 2^32 - 1.
 * @example const random = seededRandom(7); random.next();
 */
export function seededRandom(seed?: number): Random {
  if (seed !== undefined && !(Number.isInteger(seed) && seed >= 0 && seed <= MAX_SEED)) {
    throw new RangeError(`seed must be a whole number from 0 to ${MAX_SEED}; found ${seed}.`);
  }
  return wrap(xoroshiro128plus((seed ?? randomInt(MAX_SEED)) | 0));
}

/** Continues a sequence where `state()` was taken. */
export const randomFromState = (state: readonly number[]): Random => wrap(xoroshiro128plusFromState(state));

function wrap(generator: ReturnType<typeof xoroshiro128plus>): Random {
  return { next: () => uniformFloat64(generator), state: () => [...generator.getState()] };
}
