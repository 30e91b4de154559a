/** @file Sums gradients over the runs of one update, in float32, in an order that depends on nothing but their number. */

import { alone, blocksOf, type Communicator, deal, PairwiseSum, reduceBlocks, type Shards } from "../ranks/index.ts";
import type { Tensor } from "../runtime/index.ts";

type Gradients = ReadonlyMap<string, Float32Array>;

export interface Accumulated {
  /** What the optimiser reads after `finish`: the graph's own outputs when there is one run per update, sums otherwise. */
  readonly gradients: Gradients;
  /** Begins an update. @param runs of all ranks together; this rank makes those that `deal` gives it */
  begin(runs: number): void;
  /** Adds the gradients of the run that just ended. */
  add(): void;
  /** Ends the sum. Of several ranks, each has then its shard of it. */
  finish(): Promise<void>;
}

/** Who sums together, and which rank is given which part. */
export interface SummingRanks {
  readonly ranks: Communicator;
  readonly shards: Shards;
}

const addAll = (into: Gradients, from: Gradients): void => {
  for (const [name, sum] of into) {
    const gradient = from.get(name)!;
    for (let i = 0; i < sum.length; i++) sum[i]! += gradient[i]!;
  }
};

/**
 * @param runs most runs per update of this process; with 1 nothing is copied
 * @param among ranks that sum together; left out for one process
 */
export function accumulate(
  source: ReadonlyMap<string, Tensor<Float32Array>>,
  runs: number,
  among?: SummingRanks,
): Accumulated {
  const own: Gradients = new Map([...source].map(([name, t]) => [name, t.data]));
  const { rank, size } = among?.ranks ?? alone;
  /** Memory of the blocks, by how many stand before them; the sum of all ends in the first. */
  const buffers: Gradients[] = [];
  const bufferAt = (place: number): Gradients =>
    (buffers[place] ??= new Map([...own].map(([name, g]) => [name, new Float32Array(g.length)])));
  const sum = new PairwiseSum<Gradients>((value, place) => {
    if (runs === 1) return value;
    const kept = bufferAt(place);
    for (const [name, g] of value) kept.get(name)!.set(g);
    return kept;
  }, addAll);
  const gradients = runs === 1 ? own : bufferAt(0);
  let all = 0;
  let at = 0;
  return {
    gradients,
    begin(runs) {
      sum.reset();
      all = runs;
      at = deal(runs, rank, size).start;
    },
    add() {
      sum.push(at++, 0, own);
    },
    async finish() {
      if (!among || size === 1) return void sum.finish();
      const blocks = Array.from({ length: size }, (_, r) => {
        const { start, end } = deal(all, r, size);
        return blocksOf(start, end);
      });
      await reduceBlocks(among.ranks, among.shards, sum.blocks, blocks, gradients);
    },
  };
}
