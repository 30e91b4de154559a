/** @file Activation smoothing: moves the size of outlying inputs into the weights, where it does less harm. */

/** How much of an input's size moves: 0.5 shares it evenly (SmoothQuant's default). */
const STRENGTH = 0.5;

/**
 * Scales s [k] for a layer y = x·Wᵀ = (x / s)·(W·s)ᵀ: s_j = max|x_j|^α / max|W_j|^(1-α) (Xiao et al., SmoothQuant, arXiv
 * 2211.10438, equation 4). Columns that are always zero, in x or in W, keep 1.
 * @param inputSizes [k]: largest magnitude of each input over the calibration rows
 * @param rows [n, k]
 * @throws RangeError when sizes do not fit
 * @example const s = smoothingScales(inputSizes, w, 1152);
 */
export function smoothingScales(
  inputSizes: Float32Array,
  rows: Float32Array,
  k: number,
  strength = STRENGTH,
): Float32Array {
  if (inputSizes.length !== k || rows.length % k !== 0)
    throw new RangeError(`${inputSizes.length} input sizes and ${rows.length} weights do not fit ${k} inputs`);
  const columns = new Float32Array(k);
  for (let i = 0; i < rows.length; i++) columns[i % k] = Math.max(columns[i % k]!, Math.abs(rows[i]!));
  return columns.map((size, j) => {
    const scale = inputSizes[j]! ** strength / size ** (1 - strength);
    return scale > 0 && scale < Number.POSITIVE_INFINITY ? scale : 1;
  });
}
