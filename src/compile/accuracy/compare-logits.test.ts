import { describe, expect, it } from "vitest";
import { compareLogits, klDivergence } from "./compare-logits.ts";

describe("klDivergence", () => {
  it("is the textbook's sum for known distributions", () => {
    // p = (1/2, 1/4, 1/4), q = (1/4, 1/2, 1/4): KL = 1/2·log 2 - 1/4·log 2
    const p = Float32Array.of(0.5, 0.25, 0.25).map(Math.log);
    const q = Float32Array.of(0.25, 0.5, 0.25).map(Math.log);
    expect(klDivergence(p, q)).toBeCloseTo(0.25 * Math.log(2), 6);
  });

  it("is zero for logits that differ by a constant, however large", () => {
    const p = Float32Array.of(1000, 1001, 900);
    expect(
      klDivergence(
        p,
        p.map((x) => x + 500),
      ),
    ).toBeCloseTo(0, 9);
  });
});

describe("compareLogits", () => {
  it("counts positions with the same most likely token, and keeps the worst divergence", () => {
    const reference = Float32Array.of(2, 0, 0, 3);
    const found = Float32Array.of(2, 0, 3, 0);
    const { meanKl, maxKl, top1 } = compareLogits(reference, found, 2);
    expect(top1).toBe(0.5);
    expect(maxKl).toBeCloseTo(2 * meanKl, 12);
    expect(() => compareLogits(reference, found.subarray(2), 2)).toThrow(/2 logits cannot be compared with 4/);
  });
});
