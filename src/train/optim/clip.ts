/** @file The norm of all gradients together, and the factor that limits it. */

/** √(Σ g²) over all tensors, summed in float64 in the order given. */
export function globalNorm(gradients: Iterable<Float32Array>): number {
  let sum = 0;
  for (const g of gradients) {
    let part = 0;
    for (let i = 0; i < g.length; i++) part += g[i]! * g[i]!;
    sum += part;
  }
  return Math.sqrt(sum);
}

/** Factor that brings a gradient of this norm down to `maxNorm`: min(1, maxNorm/(norm + 1e-6)), as torch clips. */
export const clipFactor = (norm: number, maxNorm: number | undefined): number =>
  maxNorm === undefined ? 1 : Math.min(1, maxNorm / (norm + 1e-6));
