/** @file Passes that compute attention by this package's own kernels (native/README.md). */

import {
  type AttentionShape,
  cachedAttention,
  concat,
  type GraphOutputs,
  groupQueryAttentionOp,
  input,
  isOp,
  multiHeadAttentionOp,
  type Rewritten,
  rewrite,
  sourceName,
  unmaskedAttention,
  type Value,
} from "../graph/index.ts";
import type { CacheType } from "../model/index.ts";
import { joined, together } from "./join-products.ts";
import type { QuantizePlan } from "./quantize/quantize-graph.ts";

/**
 * Attention without a mask by the native kernel, with q, k and v as one product where the plan gives them one precision.
 * @param exact float32 throughout
 */
export const useUnmaskedAttention = <T extends GraphOutputs>(
  outputs: T,
  plan: QuantizePlan,
  exact = false,
): Rewritten<T> =>
  rewrite(outputs, (node, [q, k, v], now) => {
    if (!isOp(node, multiHeadAttentionOp)) return undefined;
    const { heads, scale } = node.attrs;
    const qkv = together(node.inputs, plan);
    const rows = qkv
      ? ([joined(qkv, node.inputs[0]!.node, now), undefined, undefined] as const)
      : ([q!, k, v] as const);
    return [unmaskedAttention(...rows, heads, scale, exact)];
  });

/**
 * The decoder's attention by the native kernel. Past and present are then the whole cache, and input `slots` int32 [batch]
 * gives the row of the cache of each sequence. Instead of `batch` rows, inputs
 * `past.{i}.key|value` have `slots` of them.
 * @param cache element type of keys and values
 */
export function useCachedAttention<T extends GraphOutputs>(outputs: T, cache: CacheType): Rewritten<T> {
  const slots = input("slots", "int32", ["batch"]);
  return rewrite(outputs, (node, inputs) => {
    if (!isOp(node, groupQueryAttentionOp)) return undefined;
    const [q, k, v, pastKey, pastValue, lastPositions, , cos, sin] = inputs as Value[];
    const { heads, kvHeads, scale }: AttentionShape = node.attrs;
    const [key, value] = [pastKey!, pastValue!].map((past) =>
      input(sourceName(past), cache, ["slots", ...past.shape.slice(1)]),
    );
    return cachedAttention(
      k ? concat([q!, k, v!], -1) : q!,
      [key!, value!],
      { slots, lastPositions: lastPositions!, cos: cos!, sin: sin! },
      { heads, kvHeads, scale },
    );
  });
}
