/** @file Finds the largest logit by the largest of every stretch, which the native kernels tell. */
import { PEAK_BLOCK } from "../../passes/index.ts";

/** One row of logits [vocab]. */
export interface LogitRow {
  values: Float32Array;
  /** The largest of every `PEAK_BLOCK` values, NaN aside. */
  peaks?: Float32Array | undefined;
}

/** Largest of one stretch of the values. */
function peakOf(values: Float32Array, stretch: number): number {
  let max = Number.NEGATIVE_INFINITY;
  const end = Math.min(values.length, (stretch + 1) * PEAK_BLOCK);
  for (let i = stretch * PEAK_BLOCK; i < end; i++) if (values[i]! > max) max = values[i]!;
  return max;
}

/** Peaks after the values of some tokens have changed; the old ones stay as they are. */
export function updatedPeaks(values: Float32Array, peaks: Float32Array, touched: readonly number[]): Float32Array {
  if (touched.length === 0) return peaks;
  const updated = peaks.slice();
  for (const stretch of new Set(touched.map((token) => Math.floor(token / PEAK_BLOCK))))
    updated[stretch] = peakOf(values, stretch);
  return updated;
}

/** Index of the largest value, the first of equals; -1 when there is none (all NaN or -Infinity). */
export function argmaxByPeaks(values: Float32Array, peaks: Float32Array): number {
  let best = -1;
  let max = Number.NEGATIVE_INFINITY;
  for (let stretch = 0; stretch < peaks.length; stretch++) {
    if (peaks[stretch]! > max) {
      max = peaks[stretch]!;
      best = stretch;
    }
  }
  return best < 0 ? -1 : values.indexOf(max, best * PEAK_BLOCK);
}
