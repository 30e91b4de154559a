/** @file Muon: momentum whose direction is made orthogonal, for hidden matrices (Jordan et al. 2024; scaled as in arXiv 2502.16982). */

import type { Parameter } from "../parameter-store.ts";

export interface MuonOptions {
  readonly momentum: number;
  readonly weightDecay: number;
}

/** Embeddings, heads, the patch embedding, norms and biases stay with AdamW: Muon is made for matrices inside the network. */
export const isHiddenMatrix = ({ name, shape }: Pick<Parameter, "name" | "shape">): boolean =>
  shape.length === 2 && !/embed|lm_head|^see\./.test(name);

/** Momentum with Nesterov's look ahead, at Frobenius norm 1, into `direction`. All zero where there is no gradient at all. */
export function muonDirection(
  gradient: Float32Array,
  momentum: Float32Array,
  scale: number,
  beta: number,
  direction: Float32Array,
): void {
  let square = 0;
  for (let i = 0; i < gradient.length; i++) {
    const g = gradient[i]! * scale;
    const m = momentum[i]! * beta + g * (1 - beta);
    momentum[i] = m;
    const d = g * (1 - beta) + m * beta;
    direction[i] = d;
    square += d * d;
  }
  const factor = square > 0 ? 1 / Math.sqrt(square) : 0;
  for (let i = 0; i < direction.length; i++) direction[i]! *= factor;
}

/**
 * w ← w·(1 - lr·decay) - lr·0.2·√max(rows, columns)·orthogonal. The factor gives updates the root mean square that AdamW's have, so
 * both share one learning rate.
 */
export function muonUpdate(
  weights: Float32Array,
  orthogonal: Float32Array,
  [rows, columns]: readonly [number, number],
  learningRate: number,
  weightDecay: number,
): void {
  const decay = 1 - learningRate * weightDecay;
  const size = learningRate * 0.2 * Math.sqrt(Math.max(rows, columns));
  for (let i = 0; i < weights.length; i++) weights[i] = weights[i]! * decay - size * orthogonal[i]!;
}
