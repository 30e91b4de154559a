/** @file The most memory that values take at once, against sums by hand. */
import { expect, it } from "vitest";
import { add, exp, gradients, input, mul, reduceSum, reshape, weight } from "../graph/index.ts";
import { peakLiveBytes } from "./live-bytes.ts";

const FLOATS = 1000;
const BYTES = 4 * FLOATS;
const x = input("x", "float32", [FLOATS]);

it("a chain holds what a node reads and what it writes, and neither its inputs nor its outputs", () => {
  const y = exp(exp(exp(exp(x))));
  expect(peakLiveBytes({ y })).toBe(2 * BYTES);
  expect(peakLiveBytes({ y: exp(x) })).toBe(0);
});

it("a value lives until its last reader, and a reshaped one stands in the same memory", () => {
  const first = exp(x);
  const late = add(exp(exp(exp(first))), first);
  expect(peakLiveBytes({ late })).toBe(3 * BYTES);
  const folded = reshape(exp(x), [10, 100]);
  expect(peakLiveBytes({ y: exp(reshape(exp(folded), [FLOATS])) })).toBe(2 * BYTES);
});

it("a backward pass keeps every value that a gradient reads", () => {
  const depth = 6;
  const weights = Array.from({ length: depth }, (_, i) => weight(`w${i}`, "float32", [FLOATS]));
  const kept = (layers: number) => {
    const loss = reduceSum(
      weights.slice(0, layers).reduce((y, w) => mul(exp(y), w), exp(x)),
      [0],
    );
    const found = gradients(loss, weights.slice(0, layers));
    return peakLiveBytes({ loss, ...Object.fromEntries(found.map((g, i) => [`g${i}`, g!])) });
  };
  // Each layer's product needs what went in for the gradient of its weight, and its exponential what came out.
  expect(kept(6) - kept(5)).toBe(kept(5) - kept(4));
  expect(kept(6) - kept(5)).toBeGreaterThanOrEqual(BYTES);
  expect(kept(6) - kept(5)).toBeLessThanOrEqual(2 * BYTES);
});

it("sizes that only a run will know are refused", () => {
  expect(() => peakLiveBytes({ y: exp(exp(input("x", "float32", ["batch"]))) })).toThrow(/\[batch\]/);
});
