/** @file The blockwise product in float64, over the same quantised numbers. */

import { floatToHalf, halfToFloat } from "../../../src/common/half.ts";
import { packBlockwiseScales, packBlockwiseValues } from "../../../src/passes/weights/pack-blockwise.ts";
import type { Product } from "./library.ts";

/** Deterministic numbers in [0, 1): mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Weights {
  n: number;
  k: number;
  bits: 4 | 8;
  block: number;
  levels: Int8Array;
  /** [n, blocks], as the kernel sees them after rounding to float16 where `half` is set. */
  scales: Float32Array;
  half: boolean;
}

export function randomWeights(seed: number, shape: Omit<Weights, "levels" | "scales">): Weights {
  const random = randomNumbers(seed);
  const { n, k, bits, block, half } = shape;
  const reach = bits === 4 ? 8 : 128;
  const levels = Int8Array.from({ length: n * k }, () => Math.floor(random() * 2 * reach) - reach);
  const scales = Float32Array.from({ length: n * Math.ceil(k / block) }, () => {
    const scale = (random() + 0.1) / reach;
    return half ? halfToFloat(floatToHalf(scale)) : scale;
  });
  return { ...shape, levels, scales };
}

/** Activations with a few large values, as in trained models. */
export function randomRows(seed: number, m: number, k: number): Float32Array {
  const random = randomNumbers(seed);
  return Float32Array.from({ length: m * k }, () => (random() * 2 - 1) * (random() < 0.01 ? 50 : 1));
}

export const product = (w: Weights, x: Float32Array, bias?: Float32Array): Product => {
  const scales = w.half ? Uint16Array.from(w.scales, floatToHalf) : w.scales;
  return {
    ...w,
    m: x.length / w.k,
    x,
    values: packBlockwiseValues(w),
    scales: packBlockwiseScales(w, scales),
    ...(bias && { bias }),
  };
};

/** x w^T + bias with activations rounded to int8 per row and block, summed in float64. */
export function reference(w: Weights, x: Float32Array, bias?: Float32Array): Float64Array {
  const { n, k, block } = w;
  const m = x.length / k;
  const blocks = Math.ceil(k / block);
  const y = new Float64Array(m * n);
  const q = new Int32Array(k);
  const scale = new Float32Array(blocks);
  for (let r = 0; r < m; r++) {
    for (let b = 0; b < blocks; b++) {
      const row = x.subarray(r * k + b * block, r * k + Math.min(k, (b + 1) * block));
      const most = row.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
      const factor = most > 1e-30 ? Math.fround(127 / most) : 0;
      scale[b] = most > 1e-30 ? most / 127 : 0;
      row.forEach((v, i) => {
        q[b * block + i] = roundHalfEven(Math.fround(v * factor));
      });
    }
    for (let c = 0; c < n; c++) {
      let sum = bias ? bias[c]! : 0;
      for (let b = 0; b < blocks; b++) {
        let dot = 0;
        for (let i = b * block; i < Math.min(k, (b + 1) * block); i++) dot += q[i]! * w.levels[c * k + i]!;
        sum += dot * scale[b]! * w.scales[c * blocks + b]!;
      }
      y[r * n + c] = sum;
    }
  }
  return y;
}

function roundHalfEven(v: number): number {
  const low = Math.floor(v);
  if (v - low !== 0.5) return Math.round(v);
  return low % 2 === 0 ? low : low + 1;
}
