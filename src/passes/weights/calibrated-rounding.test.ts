/** @file Error feedback and smoothing do what their papers say, on inputs made so that the gain is known. */
import { describe, expect, it } from "vitest";
import { smoothingScales } from "../quantize/smoothing.ts";
import { feedbackFactor, quantizeWithFeedback } from "./error-feedback.ts";
import { dequantizeBlocks, quantizeBlocks, quantizeRowsInt8 } from "./quantize-blocks.ts";

/** Numbers of a bell shape, the same every time. */
function bell(count: number, seed: number): Float32Array {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

/** x·wᵀ of x [rows, k] and w [n, k]. */
function product(x: Float32Array, w: Float32Array, k: number): Float32Array {
  const n = w.length / k;
  return Float32Array.from({ length: (x.length / k) * n }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < k; j++) sum += x[Math.floor(i / n) * k + j]! * w[(i % n) * k + j]!;
    return sum;
  });
}

function gramOf(x: Float32Array, k: number): Float64Array {
  const gram = new Float64Array(k * k);
  for (let row = 0; row < x.length; row += k)
    for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) gram[i * k + j]! += x[row + i]! * x[row + j]!;
  return gram;
}

/** W·s, column by column. */
const smoothed = (rows: Float32Array, scales: Float32Array): Float32Array =>
  rows.map((v, i) => v * scales[i % scales.length]!);

const squaredError = (a: Float32Array, b: Float32Array): number => a.reduce((sum, v, i) => sum + (v - b[i]!) ** 2, 0);

const K = 64;
const N = 24;
const w = bell(N * K, 7);
const rounding = { bits: 4, block: 32, half: true } as const;
/** Rows whose 64 inputs are mixtures of 6 hidden causes and a little noise, as activations are. */
const correlated = (rows: number, seed: number): Float32Array => {
  const [causes, mix, noise] = [bell(rows * 6, seed), bell(6 * K, 99), bell(rows * K, seed + 1)];
  return Float32Array.from({ length: rows * K }, (_, i) => {
    let sum = 0.1 * noise[i]!;
    for (let c = 0; c < 6; c++) sum += causes[Math.floor(i / K) * 6 + c]! * mix[c * K + (i % K)]!;
    return sum;
  });
};

describe("error feedback", () => {
  it("is plain rounding where inputs have nothing to do with each other", () => {
    const gram = new Float64Array(K * K);
    for (let i = 0; i < K; i++) gram[i * K + i] = 3;
    expect(quantizeWithFeedback(w, K, rounding, feedbackFactor(gram, K))).toEqual(quantizeBlocks(w, K, rounding));
  });

  it("inverts: the factor's square times the damped matrix is the unit matrix", () => {
    const gram = gramOf(correlated(200, 3), K);
    const u = feedbackFactor(gram, K);
    let trace = 0;
    for (let i = 0; i < K; i++) trace += gram[i * K + i]!;
    for (const [row, column] of [
      [0, 0],
      [5, 5],
      [5, 40],
      [63, 63],
    ] as const) {
      let sum = 0;
      for (let t = 0; t < K; t++) {
        let inverse = 0;
        for (let s = 0; s < K; s++) inverse += u[s * K + row]! * u[s * K + t]!;
        sum += inverse * (gram[t * K + column]! + (t === column ? (0.01 * trace) / K : 0));
      }
      expect(sum).toBeCloseTo(row === column ? 1 : 0, 6);
    }
  });

  it("halves the output error on correlated inputs at least, also on rows that it has not seen", () => {
    const factor = feedbackFactor(gramOf(correlated(200, 3), K), K);
    for (const x of [correlated(200, 3), correlated(50, 1234)]) {
      const exact = product(x, w, K);
      const errorOf = (q: ReturnType<typeof quantizeBlocks>) =>
        squaredError(exact, product(x, dequantizeBlocks(q, K, 32), K));
      const plain = errorOf(quantizeBlocks(w, K, rounding));
      expect(errorOf(quantizeWithFeedback(w, K, rounding, factor))).toBeLessThan(plain / 2);
    }
  });

  it("bears inputs that are always zero, and refuses what is no sum of squares", () => {
    const x = correlated(100, 3).map((v, i) => (i % K === 5 ? 0 : v));
    expect(quantizeWithFeedback(w, K, rounding, feedbackFactor(gramOf(x, K), K)).levels.length).toBe(w.length);
    expect(feedbackFactor(new Float64Array(4), 2)).toHaveLength(4);
    expect(() => feedbackFactor(Float64Array.of(1, 5, 5, 1), 2)).toThrow(/not positive/);
    expect(() => feedbackFactor(new Float64Array(5), 2)).toThrow(/not a matrix of 2 x 2; expected 4/);
  });
});

describe("smoothing", () => {
  /** int8 by rows on both sides, as w8a8 computes. */
  const int8Product = (x: Float32Array, rows: Float32Array): Float32Array => {
    const back = (m: Float32Array) => {
      const { levels, scales } = quantizeRowsInt8(m, K);
      return Float32Array.from(levels, (level, i) => level * scales[Math.floor(i / K)]!);
    };
    return product(back(x), back(rows), K);
  };

  it("changes nothing in exact arithmetic and removes most of the error that outlying inputs make", () => {
    const x = bell(40 * K, 5).map((v, i) => (i % K === 3 || i % K === 17 ? 80 * v : v));
    const sizes = new Float32Array(K);
    x.forEach((v, i) => {
      sizes[i % K] = Math.max(sizes[i % K]!, Math.abs(v));
    });
    const s = smoothingScales(sizes, w, K);
    const divided = x.map((v, i) => v / s[i % K]!);
    const exact = product(x, w, K);
    expect(squaredError(exact, product(divided, smoothed(w, s), K))).toBeLessThan(
      1e-8 *
        squaredError(
          exact,
          exact.map(() => 0),
        ),
    );
    const plain = squaredError(exact, int8Product(x, w));
    expect(squaredError(exact, int8Product(divided, smoothed(w, s)))).toBeLessThan(plain / 3);
  });

  it("keeps scale 1 for inputs and weights that are always zero", () => {
    const rows = new Float32Array(2 * K)
      .fill(1)
      .fill(0, 4, 5)
      .fill(0, K + 4, K + 5);
    const sizes = new Float32Array(K).fill(9).fill(0, 2, 3);
    const s = smoothingScales(sizes, rows, K);
    expect([s[2], s[4], s[0]]).toEqual([1, 1, 3]);
    expect(() => smoothingScales(sizes, rows.subarray(1), K)).toThrow(/do not fit 64 inputs/);
  });
});
