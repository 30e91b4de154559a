/** @file Gradients of several ranks: summed to the bits of one process, each rank its shard, and shared again. */

import { describe, expect, test } from "vitest";
import { Random } from "../../src/common/index.ts";
import { BLOCK, Shards } from "../../src/ranks/index.ts";
import { shareShards } from "../../src/ranks/reduce.ts";
import { createTensor, type Tensor } from "../../src/runtime/index.ts";
import { accumulate } from "../../src/train/accumulate.ts";
import { asRanks } from "./local-ranks.ts";

const TENSORS = [
  { name: "a", length: 3 * BLOCK + 5 },
  { name: "b", length: 7 },
  { name: "c", length: BLOCK + 1, whole: true },
  { name: "d", length: 2 * BLOCK },
];

const random = new Random(22);
/** Gradients of each run: numbers whose float32 sum depends on the order. */
const GRADIENTS = Array.from(
  { length: 8 },
  () =>
    new Map(
      TENSORS.map(({ name, length }) => [name, Float32Array.from({ length }, () => 1 / (random.uniform() - 0.5))]),
    ),
);

const sameBits = (a: Float32Array, b: Float32Array): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

function outputs(): Map<string, Tensor<Float32Array>> {
  return new Map(TENSORS.map(({ name, length }) => [name, createTensor("float32", [length]) as Tensor<Float32Array>]));
}

async function sumOfOne(runs: number): Promise<ReadonlyMap<string, Float32Array>> {
  const source = outputs();
  const sum = accumulate(source, runs);
  sum.begin(runs);
  for (let run = 0; run < runs; run++) {
    for (const [name, gradient] of GRADIENTS[run]!) source.get(name)!.data.set(gradient);
    sum.add();
  }
  await sum.finish();
  return sum.gradients;
}

describe.each([2, 3, 4, 5])("%i ranks", (size) => {
  test("each has the sum of its shard, to the bit, and after sharing the whole", async () => {
    for (const runs of [1, 2, 3, 4, 6, 8]) {
      const expected = await sumOfOne(runs);
      await asRanks(size, async (ranks) => {
        const shards = new Shards(TENSORS, size);
        const source = outputs();
        const each = Math.ceil(runs / size);
        const sum = accumulate(source, each, { ranks, shards });
        sum.begin(runs);
        for (let run = ranks.rank * each; run < Math.min(runs, (ranks.rank + 1) * each); run++) {
          for (const [name, gradient] of GRADIENTS[run]!) source.get(name)!.data.set(gradient);
          sum.add();
        }
        await sum.finish();
        for (const { name, start, end } of shards.piecesOf(ranks.rank))
          expect(
            sameBits(sum.gradients.get(name)!.subarray(start, end), expected.get(name)!.subarray(start, end)),
          ).toBe(true);
        await shareShards(ranks, shards, sum.gradients);
        for (const [name, whole] of expected) expect(sameBits(sum.gradients.get(name)!, whole), name).toBe(true);
      });
    }
  });

  test("shards hold every number once, are cut where they may be, and are about equal", () => {
    const shards = new Shards(TENSORS, size);
    const all = Array.from({ length: size }, (_, rank) => shards.piecesOf(rank));
    for (const { name, length, whole } of TENSORS) {
      const pieces = all.flat().filter((piece) => piece.name === name);
      expect(pieces.map(({ start }) => start)).toEqual([0, ...pieces.map(({ end }) => end)].slice(0, pieces.length));
      expect(pieces.at(-1)!.end).toBe(length);
      for (const { start } of pieces) expect(start % BLOCK).toBe(0);
      if (whole) expect(pieces).toHaveLength(1);
    }
    const sizes = all.map((_, rank) => shards.sizeOf(rank));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(shards.total / size + 2 * BLOCK);
  });
});

test("a rank that fails ends the others", async () => {
  const failing = asRanks(3, async (ranks) => {
    if (ranks.rank === 1) throw new Error("no more");
    await ranks.barrier();
  });
  await expect(failing).rejects.toThrow("no more");
});
