/** @file Rotary tables hold PyTorch's numbers at the context's end too, where float32 angles are coarse. */
import { expect, test } from "vitest";
import { ropeTable } from "./rope.ts";

const THETA = 1e6;
const HALF = 64;

/** The angle as PyTorch's Qwen2 computes it: float32 frequencies, and a product rounded to float32. */
const angle = (position: number, pair: number): number =>
  Math.fround(position * Math.fround(1 / Math.fround(THETA ** (pair / HALF))));

test("every place of the published context has the cosine and sine of its own angle", () => {
  const positions = 32_768;
  for (const [table, f] of [
    ["cos", Math.cos],
    ["sin", Math.sin],
  ] as const) {
    const found = ropeTable({ kind: "rope", table, theta: THETA }, positions, HALF);
    expect(found).toHaveLength(positions * HALF);
    for (const position of [0, 1, 4095, 4096, 16_384, 32_767])
      for (const pair of [0, 1, 17, 32, 63])
        expect(found[position * HALF + pair], `${table} ${position} ${pair}`).toBe(
          Math.fround(f(angle(position, pair))),
        );
  }
});

test("a known value: the first pair turns by one radian per position", () => {
  const cosines = ropeTable({ kind: "rope", table: "cos", theta: THETA }, 32_768, HALF);
  expect(cosines[32_767 * HALF]).toBeCloseTo(Math.cos(32_767), 6);
});
