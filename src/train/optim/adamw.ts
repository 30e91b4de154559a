/** @file AdamW: decoupled weight decay (Loshchilov & Hutter, arXiv 1711.05101), in PyTorch's order of operations. */

export interface AdamWOptions {
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** First and second moments of one tensor. */
export interface Moments {
  readonly m: Float32Array;
  readonly v: Float32Array;
}

export const newMoments = (size: number): Moments => ({ m: new Float32Array(size), v: new Float32Array(size) });

/**
 * Updates `weights` in place with `gradient · scale`.
 * @param step 1 for the first update: bias correction depends on it
 * @param scale factor on the gradient, for clipping and for averaging over accumulated batches
 * @example adamw(w, g, moments, 1, 1e-3, 1, { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01 })
 */
export function adamw(
  weights: Float32Array,
  gradient: Float32Array,
  { m, v }: Moments,
  step: number,
  learningRate: number,
  scale: number,
  { betas: [b1, b2], epsilon, weightDecay }: AdamWOptions,
): void {
  const decay = 1 - learningRate * weightDecay;
  const size = learningRate / (1 - b1 ** step);
  const root = Math.sqrt(1 - b2 ** step);
  for (let i = 0; i < weights.length; i++) {
    const g = gradient[i]! * scale;
    const mi = m[i]! + (g - m[i]!) * (1 - b1);
    const vi = v[i]! * b2 + g * g * (1 - b2);
    m[i] = mi;
    v[i] = vi;
    weights[i] = weights[i]! * decay - (size * mi) / (Math.sqrt(vi) / root + epsilon);
  }
}
