/** @file The package's one source of random numbers: seeded, uniform from the first draw, its state a few numbers. */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";

/** The largest seed: every whole number that a JavaScript number holds exactly. */
export const MAX_SEED = Number.MAX_SAFE_INTEGER;

const MASK = (1n << 64n) - 1n;
/** 2^64/φ, odd: the step of splitmix64. */
const GAMMA = 0x9e3779b97f4a7c15n;

/** The output function of splitmix64 (Steele, Lea & Flood 2014; constants of Stafford's variant 13): one bit in flips half of those out. */
function mix(z: bigint): bigint {
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return z ^ (z >> 31n);
}

/**
 * The seed of a stream of its own, for example of one sample of one prompt of one step: a hash, so that streams of neighbouring
 * numbers share nothing. Adding to a seed would give stream 1 of seed 7 to stream 0 of seed 8.
 * @param parts whole numbers that name the stream; their order counts
 * @returns a whole number from 0 to 2^53 - 1
 * @example new Random(deriveSeed(recipe.seed, epoch)).permutation(rows)
 */
export function deriveSeed(...parts: readonly number[]): number {
  let hash = 0n;
  for (const part of parts) hash = mix((hash + GAMMA + BigInt(part)) & MASK);
  return Number(hash >> 11n);
}

/** A seed that nobody can guess. */
const unknownSeed = (): bigint => globalThis.crypto.getRandomValues(new BigUint64Array(1))[0]!;

/** The generator's state, as its authors advise: two outputs of splitmix64, whose own state is the seed. High halves come first. */
function stateOf(seed: bigint): number[] {
  const words = [mix((seed + GAMMA) & MASK), mix((seed + 2n * GAMMA) & MASK)];
  return words.flatMap((word) => [Number(word >> 32n) | 0, Number(word & 0xffffffffn) | 0]);
}

/**
 * A stream of random numbers: xoroshiro128+ (Blackman & Vigna 2018). The same seed gives the same numbers on every machine.
 * @example
 * const random = new Random(7);
 * const later = Random.fromState(random.state); // draws what `random` draws from here on
 */
export class Random {
  #generator: ReturnType<typeof xoroshiro128plusFromState>;

  /**
   * @param seed whole number from 0 to 2^53 - 1; an unknown one when left out
   * @throws RangeError for any other number
   */
  constructor(seed?: number) {
    if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0))
      throw new RangeError(`The seed must be a whole number from 0 to ${MAX_SEED}; found ${seed}.`);
    this.#generator = xoroshiro128plusFromState(stateOf(seed === undefined ? unknownSeed() : BigInt(seed)));
  }

  /** Continues a stream where `state` was read. @throws RangeError for anything but the four whole numbers of a state */
  static fromState(state: readonly number[]): Random {
    if (state.length !== 4 || !state.every(Number.isInteger))
      throw new RangeError(`The state of a random generator must be four whole numbers; found [${state.join(", ")}].`);
    const random = new Random(0);
    random.#generator = xoroshiro128plusFromState(state);
    return random;
  }

  /** Enough to continue the stream with `Random.fromState`. */
  get state(): readonly number[] {
    return [...this.#generator.getState()];
  }

  /** 32 random bits, as a signed integer. */
  bits(): number {
    return this.#generator.next();
  }

  /** Uniform in [0, 1), with 53 random bits. */
  uniform(): number {
    return uniformFloat64(this.#generator);
  }

  /** Uniform whole number from 0 to n - 1. */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Standard normal (Box & Muller 1958; one of the pair is dropped, so the state stays four numbers). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** The whole numbers 0 to n - 1 in random order (Fisher & Yates 1938). */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }
}
