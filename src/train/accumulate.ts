/** @file Sums gradients over several runs of one graph, in float32, in the order of the runs. */

import type { Tensor } from "../engine/index.ts";

export interface Accumulated {
  /** What the optimiser reads: the graph's own outputs when there is one run per update, sums otherwise. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
  reset(): void;
  /** Adds the gradients of the run that just ended. */
  add(): void;
}

/** @param runs runs per update; with 1 nothing is copied */
export function accumulate(source: ReadonlyMap<string, Tensor<Float32Array>>, runs: number): Accumulated {
  const own = new Map([...source].map(([name, t]) => [name, t.data]));
  if (runs === 1) return { gradients: own, reset() {}, add() {} };
  const sums = new Map([...own].map(([name, g]) => [name, new Float32Array(g.length)]));
  return {
    gradients: sums,
    reset() {
      for (const s of sums.values()) s.fill(0);
    },
    add() {
      for (const [name, s] of sums) {
        const g = own.get(name)!;
        for (let i = 0; i < s.length; i++) s[i]! += g[i]!;
      }
    },
  };
}
