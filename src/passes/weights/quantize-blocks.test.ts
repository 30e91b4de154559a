import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packNBits } from "./pack-blockwise.ts";
import { dequantizeBlocks, quantizeBlocks, quantizeRowsInt8 } from "./quantize-blocks.ts";

const squaredError = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0);
/** Numbers of a bell shape, the same every time. */
const normal = (count: number, seed = 1): Float32Array => {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
};
const numbers = (length: number) =>
  fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: length, maxLength: length });

describe("quantizeBlocks", () => {
  it("is exact for numbers that are levels already", () => {
    const w = Float32Array.from({ length: 64 }, (_, i) => ((i % 16) - 8) * 0.25);
    const q = quantizeBlocks(w, 32, { bits: 4, block: 32, half: true });
    expect(dequantizeBlocks(q, 32, 32)).toEqual(w);
    const bytes = Float32Array.from({ length: 127 }, (_, i) => i - 63).fill(127, 0, 1);
    expect(dequantizeBlocks(quantizeBlocks(bytes, 127, { bits: 8, block: 128, half: false }), 127, 128)).toEqual(bytes);
  });

  it("never errs by more than half a step without search, and never in total by more with it", () => {
    fc.assert(
      fc.property(numbers(80), (values) => {
        const w = Float32Array.from(values);
        const plain = quantizeBlocks(w, 40, { bits: 4, block: 32, half: false, search: false });
        const back = dequantizeBlocks(plain, 40, 32);
        w.forEach((x, i) => {
          const scale = plain.scales[Math.floor(i / 40) * 2 + Math.floor((i % 40) / 32)]!;
          // The side with seven levels is short of one.
          expect(Math.abs(x - back[i]!)).toBeLessThanOrEqual(Math.abs(scale) * 1.0001 + 1e-37);
        });
        const searched = dequantizeBlocks(quantizeBlocks(w, 40, { bits: 4, block: 32, half: false }), 40, 32);
        expect(squaredError(w, searched)).toBeLessThanOrEqual(squaredError(w, back) * 1.00001 + 1e-30);
      }),
    );
  });

  it("search removes a tenth of the error of blocks of 128 in a bell-shaped weight", () => {
    const w = normal(128 * 256);
    const error = (search: boolean) =>
      squaredError(w, dequantizeBlocks(quantizeBlocks(w, 128, { bits: 4, block: 128, half: true, search }), 128, 128));
    expect(error(true) / error(false)).toBeLessThan(0.9);
  });

  it("refuses numbers that are not finite, with their place", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const w = normal(64).fill(bad, 40, 41);
      expect(() => quantizeBlocks(w, 32, { bits: 4, block: 32, half: false })).toThrow(/row 1, column 8/);
      expect(() => quantizeRowsInt8(w, 32)).toThrow(/row 1/);
    }
  });

  it("gives zeros for a block of zeros", () => {
    const q = quantizeBlocks(new Float32Array(32), 32, { bits: 4, block: 32, half: true });
    expect([...q.levels, ...q.scales].every((x) => x === 0)).toBe(true);
  });
});

describe("packNBits", () => {
  it("puts even values in the low half of a byte and fills short blocks with zeros", () => {
    expect([...packNBits(Int8Array.of(-8, 7, 0), 3, 4, 4)]).toEqual([0xf0, 0x88]);
    expect([...packNBits(Int8Array.of(-127, 0, 127), 3, 8, 4)]).toEqual([1, 128, 255, 128]);
  });
});

describe("quantizeRowsInt8", () => {
  it("gives each row its own scale and errs by at most half of it", () => {
    const w = Float32Array.from(normal(64), (x, i) => (i < 32 ? x : 1000 * x));
    const { levels, scales } = quantizeRowsInt8(w, 32);
    w.forEach((x, i) => {
      const scale = scales[i >> 5]!;
      expect(Math.abs(x - levels[i]! * scale)).toBeLessThanOrEqual(scale * 0.5001);
    });
  });
});
