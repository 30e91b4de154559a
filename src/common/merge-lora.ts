/** @file The arithmetic of a low-rank adapter. */

/**
 * W + alpha/rank · B·A, in place (Hu et al., arXiv 2106.09685): the weight of a layer with its adapter folded in. Rows of W
 * are independent, so a part of them goes with the same part of B.
 * @param w [out, in], changed
 * @param a [rank, in]
 * @param b [out, rank]
 * @example mergeLora(weight, a, b, { rank: 16, alpha: 32 })
 */
export function mergeLora(
  w: Float32Array,
  a: Float32Array,
  b: Float32Array,
  { rank, alpha }: { readonly rank: number; readonly alpha: number },
): void {
  const [inner, out] = [a.length / rank, b.length / rank];
  const scale = alpha / rank;
  for (let o = 0; o < out; o++)
    for (let r = 0; r < rank; r++) {
      const factor = scale * b[o * rank + r]!;
      if (factor === 0) continue;
      for (let i = 0; i < inner; i++) w[o * inner + i]! += factor * a[r * inner + i]!;
    }
}
