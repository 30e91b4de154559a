/** @file The ways in which the model attends: fused kernels for inference, nodes for which a pass chooses the form in training. */

import {
  type AttentionMask,
  attention,
  type CachedAttention,
  groupQueryAttention,
  multiHeadAttention,
  rotaryEmbedding,
  type Value,
} from "../graph/index.ts";
import type { DecoderConfig, VisionConfig } from "./config.ts";

/** How queries, keys and values [batch, seq, heads·dim] become attention outputs of the same shape. */
export type Attend = (layer: number, q: Value, k: Value, v: Value) => Value;

/** The tower's attention as one kernel. */
export const fusedAttend =
  ({ heads, hiddenSize }: VisionConfig): Attend =>
  (_, q, k, v) =>
    multiHeadAttention(q, k, v, heads, 1 / Math.sqrt(hiddenSize / heads));

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
