/** @file The native blockwise product against float64, across instruction sets, row counts and threads. */
import { describe, expect, test } from "vitest";
import { levelsHere, libraryPath, loadLibrary, multiply } from "./support/library.ts";
import { product, randomRows, randomWeights, reference } from "./support/reference.ts";

const shapes = [
  { n: 16, k: 32, bits: 4, block: 32, half: true },
  { n: 37, k: 160, bits: 4, block: 32, half: false },
  { n: 100, k: 256, bits: 4, block: 128, half: true },
  { n: 1, k: 72, bits: 4, block: 32, half: true }, // a last block of 8 values
  { n: 33, k: 205, bits: 4, block: 64, half: true }, // one of 13
  { n: 1000, k: 32, bits: 4, block: 32, half: true }, // several panels in each task
  { n: 523, k: 40, bits: 8, block: 32, half: true }, // the last of them alone
  { n: 48, k: 96, bits: 8, block: 32, half: true },
  { n: 31, k: 333, bits: 8, block: 128, half: false },
  { n: 65, k: 1000, bits: 8, block: 1024, half: true }, // one scale per row
] as const;

const greatest = (values: ArrayLike<number>) => Array.from(values).reduce((a, v) => Math.max(a, Math.abs(v)), 0);

const bytes = (x: Float32Array) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
const sameBits = (a: Float32Array, b: Float32Array) => Buffer.compare(bytes(a), bytes(b)) === 0;

describe.skipIf(!libraryPath)("BlockwiseMatMul kernels", () => {
  const levels = libraryPath ? levelsHere() : [];

  test("there is a portable level, and the library's own choice is one of those listed", () => {
    expect(levels).toContain("portable");
    expect(levels[0]).toBe(loadLibrary().kernelName(""));
  });

  test.each(shapes)(
    "every level computes n $n, k $k at $bits bits, block $block, as float64 does, for 1 to 40 rows",
    (shape) => {
      const w = randomWeights(1, shape);
      const x = randomRows(2, 40, shape.k);
      const bias = randomRows(3, 1, shape.n);
      const wanted = reference(w, x, bias);
      const tolerance = greatest(wanted) * 2e-6; // float32 sums of at most 32 blocks
      for (const level of levels) {
        const found = multiply(level, 1, product(w, x, bias));
        expect(greatest(found.map((v, i) => v - wanted[i]!)), level).toBeLessThan(tolerance);
      }
    },
  );

  test.each(shapes)(
    "rows of n $n, k $k at $bits bits are the same bits alone and among 2 to 40, at every level and thread count",
    (shape) => {
      const w = randomWeights(4, shape);
      const x = randomRows(5, 40, shape.k);
      const whole = multiply("portable", 1, product(w, x));
      for (const level of levels) {
        for (let m = 1; m <= 40; m++) {
          const first = (40 - m) >> 1;
          const rows = x.subarray(first * shape.k, (first + m) * shape.k);
          const found = multiply(level, 1 + (m % 3), product(w, rows));
          const wanted = whole.subarray(first * shape.n, (first + m) * shape.n);
          expect(sameBits(found, wanted), `${level}, ${m} rows`).toBe(true);
        }
      }
    },
  );

  test("a bias is added last, and leaving it out equals a bias of zero", () => {
    const w = randomWeights(6, { n: 40, k: 64, bits: 4, block: 32, half: true });
    const x = randomRows(7, 3, 64);
    const bias = randomRows(8, 1, 40);
    const plain = multiply("portable", 1, product(w, x));
    for (const level of levels) {
      expect(multiply(level, 1, product(w, x, new Float32Array(40)))).toEqual(plain);
      expect(multiply(level, 1, product(w, x, bias))).toEqual(plain.map((v, i) => v + bias[i % 40]!));
    }
  });

  test("zeros stay zero, and a row with NaN or infinity becomes NaN without touching its neighbours", () => {
    const w = randomWeights(9, { n: 20, k: 64, bits: 8, block: 32, half: true });
    const x = randomRows(10, 4, 64);
    x.fill(0, 0, 64);
    x[64 + 5] = Number.NaN;
    x[128 + 40] = Number.NEGATIVE_INFINITY;
    for (const level of levels) {
      const y = multiply(level, 2, product(w, x));
      expect(y.subarray(0, 20).every((v) => v === 0)).toBe(true);
      expect(y.subarray(20, 60).every(Number.isNaN)).toBe(true);
      expect(y.subarray(60)).toEqual(multiply(level, 1, product(w, x.subarray(192))));
    }
  });

  test("values too small for a scale count as zero and the largest floats stay finite", () => {
    const w = randomWeights(11, { n: 16, k: 32, bits: 4, block: 32, half: false });
    for (const level of levels) {
      expect(greatest(multiply(level, 1, product(w, new Float32Array(32).fill(1e-38))))).toBe(0);
      const large = multiply(level, 1, product(w, new Float32Array(32).fill(1e37)));
      expect(large.every(Number.isFinite)).toBe(true);
      expect(greatest(large)).toBeGreaterThan(1e35);
    }
  });

  test("an instruction set that is not there is named instead of crashing", () => {
    const { kernelName } = loadLibrary();
    expect(kernelName("sse9")).toMatch(/FLASHVL_KERNEL must be/);
    expect(kernelName(process.arch === "x64" ? "neon" : "avx512")).toMatch(/FLASHVL_KERNEL/);
  });
});
