/** @file Sums of all ranks in a fixed order, each rank its own shard of them; and what each has made of its shard, given to all. */

import type { Communicator } from "./communicator.ts";
import { type Block, PairwiseSum } from "./pairwise-sum.ts";
import type { Shards } from "./shards.ts";

/** Tensors of numbers by name. */
export type Arrays = ReadonlyMap<string, Float32Array>;

/** Numbers that travel at a time, over all ranks: enough for a network to be busy, few beside a model. */
const BUCKET = 4 * 1024 * 1024;

const addTo = (into: Float32Array, value: Float32Array): void => {
  for (let i = 0; i < into.length; i++) into[i]! += value[i]!;
};

/** Rounds of messages, each over the next part of every shard. */
function rounds(shards: Shards, ranks: number): { each: number; count: number } {
  const largest = Math.max(...Array.from({ length: ranks }, (_, r) => shards.sizeOf(r)));
  const each = Math.max(1, Math.min(largest, Math.ceil(BUCKET / ranks)));
  return { each, count: Math.ceil(largest / each) };
}

/** Part of rank r's shard that travels in a round. */
function partOf({ cuts }: Shards, r: number, round: number, each: number): [from: number, to: number] {
  const from = Math.min(cuts[r]! + round * each, cuts[r + 1]!);
  return [from, Math.min(from + each, cuts[r + 1]!)];
}

/**
 * Sums blocks of all ranks, see `PairwiseSum`, into this rank's shard of `into`. While one round travels, the one before it is summed.
 * @param own blocks of this rank, over whole tensors
 * @param blocks places and sizes of every rank's blocks
 * @param into may be the arrays of one of the blocks
 */
export async function reduceBlocks(
  ranks: Communicator,
  shards: Shards,
  own: readonly Block<Arrays>[],
  blocks: readonly (readonly Omit<Block<unknown>, "sum">[])[],
  into: Arrays,
): Promise<void> {
  const { each, count } = rounds(shards, ranks.size);
  const received = blocks.reduce((sum, of) => sum + of.length, 0);
  const buffers = [0, 1].map(() => ({
    send: new Float32Array(own.length * Math.min(shards.total, each * ranks.size)),
    receive: new Float32Array(received * each),
  }));
  const start = async (round: number): Promise<Float32Array> => {
    const { send, receive } = buffers[round % 2]!;
    let at = 0;
    const sent = Array.from({ length: ranks.size }, (_, r) => {
      const [from, to] = partOf(shards, r, round, each);
      const pieces = shards.pieces(from, to);
      for (const { sum } of own)
        for (const { name, start, end } of pieces) {
          const array = sum.get(name);
          if (array) send.set(array.subarray(start, end), at);
          at += end - start;
        }
      return own.length * (to - from);
    });
    const [from, to] = partOf(shards, ranks.rank, round, each);
    await ranks.exchange(
      send,
      sent,
      receive,
      blocks.map((of) => of.length * (to - from)),
    );
    return receive;
  };
  let travelling = start(0);
  for (let round = 0; round < count; round++) {
    const receive = await travelling;
    if (round + 1 < count) travelling = start(round + 1);
    const [from, to] = partOf(shards, ranks.rank, round, each);
    const total = sumBlocks(receive, blocks.flat(), to - from);
    for (const { name, start, end, at } of shards.pieces(from, to))
      into.get(name)?.set(total.subarray(at - from, at - from + end - start), start);
  }
}

/** Sums what lies one after the other in `all`, in place. @param blocks in the order of their starts */
function sumBlocks(all: Float32Array, blocks: readonly Omit<Block<unknown>, "sum">[], length: number): Float32Array {
  const sum = new PairwiseSum<Float32Array>((value) => value, addTo);
  for (const [i, { start, level }] of blocks.entries())
    sum.push(start, level, all.subarray(i * length, (i + 1) * length));
  return sum.finish() ?? new Float32Array(length);
}

/** Gives every rank the others' shards of `arrays`. While one round travels, the one before it is put in its place. */
export async function shareShards(ranks: Communicator, shards: Shards, arrays: Arrays): Promise<void> {
  const { each, count } = rounds(shards, ranks.size);
  const buffers = [0, 1].map(() => ({
    own: new Float32Array(each),
    all: new Float32Array(Math.min(shards.total, each * ranks.size)),
  }));
  const start = async (round: number): Promise<Float32Array> => {
    const { own, all } = buffers[round % 2]!;
    const [from, to] = partOf(shards, ranks.rank, round, each);
    for (const { name, start, end, at } of shards.pieces(from, to))
      own.set(arrays.get(name)!.subarray(start, end), at - from);
    const counts = Array.from({ length: ranks.size }, (_, r) => {
      const [from, to] = partOf(shards, r, round, each);
      return to - from;
    });
    await ranks.share(own, all, counts);
    return all;
  };
  let travelling = start(0);
  for (let round = 0; round < count; round++) {
    const all = await travelling;
    if (round + 1 < count) travelling = start(round + 1);
    let at = 0;
    for (let r = 0; r < ranks.size; r++) {
      const [from, to] = partOf(shards, r, round, each);
      if (r !== ranks.rank)
        for (const piece of shards.pieces(from, to))
          arrays
            .get(piece.name)!
            .set(all.subarray(at + piece.at - from, at + piece.at - from + piece.end - piece.start), piece.start);
      at += to - from;
    }
  }
}
