/** @file Rounds a weight matrix to 4 or 8 bits with one scale per block, choosing each block's clipping by its error. */
import { floatToHalf, halfToFloat } from "../../common/index.ts";

/** Levels and scales of a matrix [n, k]. */
export interface QuantizedBlocks {
  /** [n, k] */
  readonly levels: Int8Array;
  /** [n, blocks]; already rounded to float16 where `half` was asked for. */
  readonly scales: Float32Array;
}

export interface BlockRounding {
  readonly bits: 4 | 8;
  readonly block: number;
  /** Scales must be float16 numbers. */
  readonly half: boolean;
  /** Tries several clippings per block and keeps the one with the least squared error. Default true; 4 bits only. */
  readonly search?: boolean;
}

/**
 * Adding and subtracting this rounds a float64 of moderate size to the nearest integer, ties to even: several times
 * faster than Math.round.
 */
const ROUND = 1.5 * 2 ** 52;

/** Where the largest value of a block may land: 8 is the end of the range; beyond, it is clipped and steps get finer. */
const CLIPPINGS = [8, 7.3, 8.7, 9.5, 10.5] as const;

export const toScale = (value: number, half: boolean): number =>
  half ? halfToFloat(floatToHalf(value)) : Math.fround(value);

/** Level of `value` in steps of 1/inverse, within 4 bits. */
export const level4 = (value: number, inverse: number): number => {
  const q = value * inverse + ROUND - ROUND;
  return Math.min(7, Math.max(-8, q));
};

/**
 * The scale of a 4-bit block: for each clipping the levels, for these the scale with the least squared error
 * (sum of w·q over sum of q²), and of all the best. The value of largest magnitude goes to the side that has eight
 * levels, hence signed scales (as in llama.cpp's Q4_0, ggml-quants.c).
 */
export function scale4(rows: Float32Array, from: number, to: number, search: boolean): number {
  let extreme = 0;
  for (let i = from; i < to; i++) if (Math.abs(rows[i]!) > Math.abs(extreme)) extreme = rows[i]!;
  if (extreme === 0 || !Number.isFinite(extreme)) return 0;
  if (!search) return extreme / -8;
  let best = 0;
  let bestGain = -1;
  for (const end of CLIPPINGS) {
    const inverse = -end / extreme;
    let wq = 0;
    let qq = 0;
    for (let i = from; i < to; i++) {
      const w = rows[i]!;
      const q = level4(w, inverse);
      wq += w * q;
      qq += q * q;
    }
    // The squared error is sum(w²) - wq²/qq.
    const gain = (wq * wq) / qq;
    if (gain > bestGain) [bestGain, best] = [gain, wq / qq];
  }
  return best;
}

export function scale8(rows: Float32Array, from: number, to: number): number {
  let largest = 0;
  for (let i = from; i < to; i++) {
    const size = Math.abs(rows[i]!);
    if (size > largest) largest = size;
  }
  return Number.isFinite(largest) ? largest / 127 : 0;
}

/**
 * Rounds `rows` [n, k] blockwise.
 * @throws RangeError when `rows` is no whole number of rows, or holds a number that is not finite
 * @example quantizeBlocks(w, 1536, { bits: 4, block: 128, half: true }).levels
 */
export function quantizeBlocks(rows: Float32Array, k: number, rounding: BlockRounding): QuantizedBlocks {
  const { bits, block, half, search = true } = rounding;
  if (rows.length % k !== 0)
    throw new RangeError(`${rows.length} numbers are not rows of ${k}; expected a multiple of it.`);
  const n = rows.length / k;
  const blocks = Math.ceil(k / block);
  const levels = new Int8Array(rows.length);
  const scales = new Float32Array(n * blocks);
  for (let row = 0; row < n; row++) {
    for (let b = 0; b < blocks; b++) {
      const from = row * k + b * block;
      const to = Math.min(from + block, (row + 1) * k);
      const scale = toScale(bits === 4 ? scale4(rows, from, to, search) : scale8(rows, from, to), half);
      scales[row * blocks + b] = scale;
      const inverse = scale === 0 ? 0 : 1 / scale;
      for (let i = from; i < to; i++) {
        const w = rows[i]!;
        if (w - w !== 0)
          throw new RangeError(`The weight holds ${w} at row ${row}, column ${i - row * k}; expected finite numbers.`);
        if (bits === 4) levels[i] = level4(w, inverse);
        else {
          const q = w * inverse + ROUND - ROUND;
          levels[i] = Math.min(127, Math.max(-127, q));
        }
      }
    }
  }
  return { levels, scales };
}

/**
 * Rounds rows [n, k] to 8 bits with one scale for each row.
 * @throws RangeError when `rows` is no whole number of rows, or holds a number that is not finite
 * @example quantizeRowsInt8(w, 1152).scales // [n]
 */
export const quantizeRowsInt8 = (rows: Float32Array, k: number): QuantizedBlocks =>
  quantizeBlocks(rows, k, { bits: 8, block: k, half: false });

/** The numbers that levels and scales stand for, [n, k]: what a kernel computes with. */
export function dequantizeBlocks({ levels, scales }: QuantizedBlocks, k: number, block: number): Float32Array {
  const blocks = Math.ceil(k / block);
  return Float32Array.from(levels, (level, i) => {
    const row = Math.floor(i / k);
    return level * scales[row * blocks + Math.floor((i % k) / block)]!;
  });
}
