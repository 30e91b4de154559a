/** @file NumPy's mean, added up in NumPy's order, so that means agree to the last bit. */

/** NumPy adds in blocks of at most this many values, each with eight running sums. */
const BLOCK = 128;

function pairwiseSum(values: readonly number[], start: number, count: number): number {
  if (count < 8) {
    let sum = 0;
    for (let i = start; i < start + count; i++) sum += values[i]!;
    return sum;
  }
  if (count <= BLOCK) {
    const sums = values.slice(start, start + 8) as [number, number, number, number, number, number, number, number];
    const whole = count - (count % 8);
    for (let i = 8; i < whole; i++) sums[i % 8]! += values[start + i]!;
    const [a, b, c, d, e, f, g, h] = sums;
    let sum = a + b + (c + d) + (e + f + (g + h));
    for (let i = whole; i < count; i++) sum += values[start + i]!;
    return sum;
  }
  let half = Math.floor(count / 2);
  half -= half % 8;
  return pairwiseSum(values, start, half) + pairwiseSum(values, start + half, count - half);
}

/**
 * `numpy.mean`; NaN for no values.
 * @example npMean([1, 2]) // 1.5
 */
export function npMean(values: readonly number[]): number {
  return pairwiseSum(values, 0, values.length) / values.length;
}
