/** @file The ways in which the model attends: fused kernels for inference, primitive ops (which have gradients) for training. */

import {
  type AttentionMask,
  add,
  attention,
  type CachedAttention,
  groupQueryAttention,
  matmul,
  mul,
  multiHeadAttention,
  reshape,
  rotaryEmbedding,
  scalar,
  softmax,
  transpose,
  type Value,
} from "../graph/index.ts";
import type { DecoderConfig, VisionConfig } from "./config.ts";
import type { Attend } from "./tower.ts";

/** The tower's attention as one kernel. */
export const fusedAttend =
  ({ heads, hiddenSize }: VisionConfig): Attend =>
  (_, q, k, v) =>
    multiHeadAttention(q, k, v, heads, 1 / Math.sqrt(hiddenSize / heads));

/**
 * softmax(q·kᵀ/√dim + bias)·v in primitive ops. q [b, s, heads·dim], k and v [b, s, kvHeads·dim], bias [b or 1, 1, 1, s, s].
 * The query heads that share a key head are stacked as rows of one product, so keys are never repeated in memory.
 */
export function primitiveAttention(q: Value, k: Value, v: Value, heads: number, kvHeads: number, bias?: Value): Value {
  const [b, s] = q.shape as [number | string, number];
  const dim = (q.shape[2] as number) / heads;
  const group = heads / kvHeads;
  const split = (x: Value) => transpose(reshape(x, [b, s, kvHeads, dim]), [0, 2, 1, 3]); // [b, kv, s, d]
  const scaled = mul(q, scalar(1 / Math.sqrt(dim)));
  const queries =
    group === 1
      ? split(scaled)
      : reshape(transpose(reshape(scaled, [b, s, kvHeads, group, dim]), [0, 2, 3, 1, 4]), [b, kvHeads, group * s, dim]);
  let scores = matmul(queries, split(k), false, true); // [b, kv, group·s, s]
  if (bias) {
    const shape = scores.shape;
    scores = reshape(softmax(add(reshape(scores, [b, kvHeads, group, s, s]), bias)), shape);
  } else scores = softmax(scores);
  const mixed = reshape(matmul(scores, split(v)), [b, kvHeads, group, s, dim]);
  return reshape(transpose(mixed, [0, 3, 1, 2, 4]), [b, s, heads * dim]);
}

/** The tower's attention in primitive ops. */
export const primitiveTowerAttend =
  ({ heads }: VisionConfig): Attend =>
  (_, q, k, v) =>
    primitiveAttention(q, k, v, heads, heads);

/** The tower's attention in training graphs: one node, for which a pass chooses the form. */
export const trainedTowerAttend =
  ({ heads, hiddenSize }: VisionConfig): Attend =>
  (_, q, k, v) =>
    attention(q, k, v, { heads, kvHeads: heads, scale: 1 / Math.sqrt(hiddenSize / heads) });

export interface SequencePositions extends AttentionMask {
  /** int64 [b, s]: position of each token in its own sample. */
  readonly positions: Value;
  readonly cos: Value;
  readonly sin: Value;
}

/** Told of each layer's queries and keys after rotation, [b, s, heads·dim] and [b, s, kvHeads·dim]. */
export type OnAttend = (layer: number, q: Value, k: Value) => void;

/** The decoder's attention over whole sequences: one node, for which a pass chooses the form. */
export const sequenceAttend =
  (
    { heads, kvHeads, headDim }: DecoderConfig,
    { positions, cos, sin, ...mask }: SequencePositions,
    onAttend: OnAttend = () => {},
  ): Attend =>
  (layer, q, k, v) => {
    const turned = (x: Value, n: number) => rotaryEmbedding(x, positions, cos, sin, n);
    const [queries, keys] = [turned(q, heads), turned(k, kvHeads)];
    onAttend(layer, queries, keys);
    return attention(queries, keys, v, { heads, kvHeads, scale: 1 / Math.sqrt(headDim) }, mask);
  };

/** The decoder's attention over a cache. `cache(layer)` gives a layer's inputs; `keep` receives its updated cache. */
export const cachedAttend =
  (
    c: DecoderConfig,
    cache: (layer: number) => CachedAttention,
    keep: (layer: number, key: Value, value: Value) => void,
  ): Attend =>
  (layer, q, k, v) => {
    const attrs = { heads: c.heads, kvHeads: c.kvHeads, scale: 1 / Math.sqrt(c.headDim) };
    const [out, key, value] = groupQueryAttention(q, k, v, cache(layer), attrs);
    keep(layer, key!, value!);
    return out!;
  };
