/** @file The norm of all gradients together, and the factor that limits it. */

import { BLOCK } from "../../ranks/index.ts";

/** Σ g² of each block of numbers from `start` to `end`, in float64; blocks begin at multiples of their size. */
export function squareSums(gradient: Float32Array, start = 0, end = gradient.length): number[] {
  const sums: number[] = [];
  for (let from = start; from < end; ) {
    const to = Math.min(end, (Math.floor(from / BLOCK) + 1) * BLOCK);
    let sum = 0;
    for (let i = from; i < to; i++) sum += gradient[i]! * gradient[i]!;
    sums.push(sum);
    from = to;
  }
  return sums;
}

/** The norm of what has these sums of squares, added in their order. */
export const normOf = (squares: readonly number[]): number => Math.sqrt(squares.reduce((sum, part) => sum + part, 0));

/** √(Σ g²) over all tensors, summed in float64 in the order given. */
export const globalNorm = (gradients: Iterable<Float32Array>): number =>
  normOf([...gradients].flatMap((gradient) => squareSums(gradient)));

/** Factor that brings a gradient of this norm down to `maxNorm`: min(1, maxNorm/(norm + 1e-6)), as torch clips. */
export const clipFactor = (norm: number, maxNorm: number | undefined): number =>
  maxNorm === undefined ? 1 : Math.min(1, maxNorm / (norm + 1e-6));
