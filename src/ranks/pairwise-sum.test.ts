/** @file The pairwise sum gives the same bits however its items are dealt. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { blocksOf, deal, PairwiseSum } from "./index.ts";

const add = (into: Float32Array, value: Float32Array): void => {
  into[0]! += value[0]!;
};
const sumOver = () => new PairwiseSum<Float32Array>((value) => value.slice(), add);

function sumOfOne(items: readonly number[]): number {
  const sum = sumOver();
  for (const [i, item] of items.entries()) sum.push(i, 0, Float32Array.of(item));
  return sum.finish()![0]!;
}

/** Each rank pushes its items, and one sums the blocks that are left of all. */
function sumOfRanks(items: readonly number[], ranks: number): number {
  const whole = sumOver();
  for (let rank = 0; rank < ranks; rank++) {
    const { start, end } = deal(items.length, rank, ranks);
    const own = sumOver();
    for (let i = start; i < end; i++) own.push(i, 0, Float32Array.of(items[i]!));
    expect(own.blocks.map(({ start, level }) => ({ start, level }))).toEqual(blocksOf(start, end));
    for (const { start, level, sum } of own.blocks) whole.push(start, level, sum);
  }
  return whole.finish()![0]!;
}

test("four items are added as (0 + 1) + (2 + 3), three as (0 + 1) + 2", () => {
  const [a, b, c, d] = [1, 2 ** -24, 2 ** -24, -1].map(Math.fround) as [number, number, number, number];
  const f = Math.fround;
  expect(sumOfOne([a, b, c, d])).toBe(f(f(a + b) + f(c + d)));
  expect(sumOfOne([a, b, c])).toBe(f(f(a + b) + c));
});

test("any number of ranks gives the bits of one", () => {
  const number = fc.double({ min: -1e6, max: 1e6, noNaN: true }).map(Math.fround);
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 70 }), fc.integer({ min: 1, max: 9 }), (items, ranks) => {
      expect(sumOfRanks(items, ranks)).toBe(sumOfOne(items));
    }),
    { seed: 22, numRuns: 300 },
  );
});

test("every item is dealt to one rank, neighbours together, and none has more than its share", () => {
  for (let items = 0; items < 20; items++)
    for (let ranks = 1; ranks < 8; ranks++) {
      const ranges = Array.from({ length: ranks }, (_, rank) => deal(items, rank, ranks));
      const dealt = ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i));
      expect(dealt).toEqual(Array.from({ length: items }, (_, i) => i));
      for (const { start, end } of ranges) expect(end - start).toBeLessThanOrEqual(Math.ceil(items / ranks));
    }
});
