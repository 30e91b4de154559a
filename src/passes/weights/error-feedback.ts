/** @file GPTQ: rounds a weight with error feedback, so that its products with the calibration rows change least. */
import { type BlockRounding, level4, type QuantizedBlocks, scale4, scale8, toScale } from "./quantize-blocks.ts";

/**
 * Share of the mean of the Hessian's diagonal that is added to it, so that it has an inverse also where inputs never
 * vary (GPTQ's default, IST-DASLab/gptq).
 */
const DAMPING = 0.01;

/** Lower Cholesky factor of a symmetric positive matrix [k, k]: L·Lᵀ = a. @throws RangeError when it is not positive */
function cholesky(a: Float64Array, k: number): Float64Array {
  const l = new Float64Array(k * k);
  for (let i = 0; i < k; i++)
    for (let j = 0; j <= i; j++) {
      let sum = a[i * k + j]!;
      for (let t = 0; t < j; t++) sum -= l[i * k + t]! * l[j * k + t]!;
      if (i === j) {
        if (!(sum > 0))
          throw new RangeError(`The matrix is not positive at row ${i}; expected XᵀX of finite calibration rows.`);
        l[i * k + i] = Math.sqrt(sum);
      } else l[i * k + j] = sum / l[j * k + j]!;
    }
  return l;
}

/** Inverse of a positive matrix from its lower Cholesky factor. */
function inverseFrom(l: Float64Array, k: number): Float64Array {
  const inverse = new Float64Array(k * k);
  const column = new Float64Array(k);
  for (let c = 0; c < k; c++) {
    column.fill(0);
    for (let i = c; i < k; i++) {
      let sum = i === c ? 1 : 0;
      for (let t = c; t < i; t++) sum -= l[i * k + t]! * column[t]!;
      column[i] = sum / l[i * k + i]!;
    }
    for (let i = k - 1; i >= 0; i--) {
      let sum = column[i]!;
      for (let t = i + 1; t < k; t++) sum -= l[t * k + i]! * inverse[t * k + c]!;
      inverse[i * k + c] = sum / l[i * k + i]!;
    }
  }
  return inverse;
}

/**
 * What error feedback needs of a layer's inputs: the upper Cholesky factor U of the inverse of H = XᵀX + damping, so that
 * UᵀU = H⁻¹ (Frantar et al., GPTQ, arXiv 2210.17323, step 3). Time and memory grow as k³ and k².
 * @param gram XᵀX [k, k], summed over the calibration rows
 * @throws RangeError when `gram` is no k·k matrix of such sums
 * @example const factor = feedbackFactor(gram, 160);
 */
export function feedbackFactor(gram: Float64Array, k: number): Float64Array {
  if (gram.length !== k * k)
    throw new RangeError(`${gram.length} numbers are not a matrix of ${k} x ${k}; expected ${k * k}.`);
  const h = gram.slice();
  let trace = 0;
  for (let i = 0; i < k; i++) trace += h[i * k + i]!;
  // If all inputs were zero there is nothing to minimise, and any positive damping will do.
  const damping = (DAMPING * trace) / k || 1;
  for (let i = 0; i < k; i++) h[i * k + i]! += damping;
  const l = cholesky(inverseFrom(cholesky(h, k), k), k);
  const upper = new Float64Array(k * k);
  for (let i = 0; i < k; i++) for (let j = 0; j <= i; j++) upper[j * k + i] = l[i * k + j]!;
  return upper;
}

/**
 * Rounds rows [n, k] column by column and compensates each column's rounding error in the columns that follow, weighted by
 * the inverse Hessian of the calibration inputs. A block's scale is chosen at its first column, from the weights as
 * compensated so far.
 * @param factor from `feedbackFactor`
 * @throws RangeError when sizes do not fit
 */
export function quantizeWithFeedback(
  rows: Float32Array,
  k: number,
  { bits, block, half, search = true }: BlockRounding,
  factor: Float64Array,
): QuantizedBlocks {
  if (rows.length % k !== 0 || factor.length !== k * k)
    throw new RangeError(
      `${rows.length} numbers and a factor of ${factor.length} do not fit rows of ${k}; expected a multiple of ${k} and ${k * k}.`,
    );
  const n = rows.length / k;
  const blocks = Math.ceil(k / block);
  const levels = new Int8Array(rows.length);
  const scales = new Float32Array(n * blocks);
  for (let row = 0; row < n; row++) {
    const w = rows.slice(row * k, (row + 1) * k);
    let scale = 0;
    for (let i = 0; i < k; i++) {
      if (i % block === 0) {
        const end = Math.min(i + block, k);
        scale = toScale(bits === 4 ? scale4(w, i, end, search) : scale8(w, i, end), half);
        scales[row * blocks + i / block] = scale;
      }
      const inverse = scale === 0 ? 0 : 1 / scale;
      const level = bits === 4 ? level4(w[i]!, inverse) : Math.max(-127, Math.min(127, Math.round(w[i]! * inverse)));
      levels[row * k + i] = level;
      const error = (w[i]! - level * scale) / factor[i * k + i]!;
      for (let j = i + 1; j < k; j++) w[j]! -= error * factor[i * k + j]!;
    }
  }
  return { levels, scales };
}
