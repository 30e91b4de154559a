/** @file The one random generator of a training run: seeded, and its whole state is a few numbers that a checkpoint keeps. */

import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus, xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";

export class TrainingRandom {
  #generator: ReturnType<typeof xoroshiro128plus>;

  constructor(seed: number | readonly number[]) {
    this.#generator = typeof seed === "number" ? xoroshiro128plus(seed) : xoroshiro128plusFromState(seed);
  }

  /** What a checkpoint stores; `new TrainingRandom(state)` goes on from here. */
  get state(): readonly number[] {
    return this.#generator.getState();
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return uniformFloat64(this.#generator);
  }

  /** Uniform integer in [0, n). */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Standard normal (Box & Muller 1958; one of the pair is dropped, so the state stays two numbers). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** The integers 0 to n-1 in random order (Fisher & Yates). */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }
}
