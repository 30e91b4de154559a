/** @file Rounds every row of a matrix to int8 with a scale of its own. */

/** Levels [n, k] in -127..127 and scales [n]. */
export interface Int8Rows {
  readonly levels: Int8Array;
  readonly scales: Float32Array;
}

const ROUND = 1.5 * 2 ** 52;

/**
 * Rounds rows [n, k]: scale = largest magnitude / 127.
 * @throws RangeError when a number is not finite
 * @example quantizeRowsInt8(w, 1152).scales
 */
export function quantizeRowsInt8(rows: Float32Array, k: number): Int8Rows {
  const n = rows.length / k;
  const levels = new Int8Array(rows.length);
  const scales = new Float32Array(n);
  for (let row = 0; row < n; row++) {
    const from = row * k;
    let largest = 0;
    for (let i = from; i < from + k; i++) {
      const size = Math.abs(rows[i]!);
      if (!(size <= 3.4028234663852886e38)) throw new RangeError(`the weight holds ${rows[i]} at row ${row}`);
      if (size > largest) largest = size;
    }
    const scale = Math.fround(largest / 127);
    scales[row] = scale;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = from; i < from + k; i++) {
      const q = rows[i]! * inverse + ROUND - ROUND;
      levels[i] = q > 127 ? 127 : q < -127 ? -127 : q;
    }
  }
  return { levels, scales };
}
