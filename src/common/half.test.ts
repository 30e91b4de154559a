/** @file float16 conversions are exact both ways. */
import { expect, test } from "vitest";
import { floatToHalf, halfToFloat } from "./half.ts";

test("every float16 comes back from the float it stands for", () => {
  const wrong = Array.from({ length: 65536 }, (_, half) => half).filter((half) => {
    const value = halfToFloat(half);
    return Number.isNaN(value) ? !Number.isNaN(halfToFloat(floatToHalf(value))) : floatToHalf(value) !== half;
  });
  expect(wrong).toEqual([]);
});

test("between two neighbours the nearer is taken, and in the middle the even one", () => {
  const wrong: number[] = [];
  for (let half = 0; half < 0x7bff; half++) {
    const low = halfToFloat(half);
    const high = halfToFloat(half + 1);
    const middle = (low + high) / 2;
    const nudge = (high - low) / 1024;
    const even = half % 2 === 0 ? half : half + 1;
    if (
      floatToHalf(middle) !== even ||
      floatToHalf(middle - nudge) !== half ||
      floatToHalf(middle + nudge) !== half + 1
    )
      wrong.push(half);
  }
  expect(wrong).toEqual([]);
});

test("from 65520 on the nearest is infinity, below it 65504", () => {
  expect(floatToHalf(65519)).toBe(0x7bff);
  expect(floatToHalf(65520)).toBe(0x7c00);
  expect(floatToHalf(-1e30)).toBe(0xfc00);
});
