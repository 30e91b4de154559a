/** @file The pass that writes attention nodes in primitive ops, which every ONNX Runtime has and which have gradients. */

import {
  type AttentionMask,
  type AttentionShape,
  add,
  attentionOp,
  cast,
  constant,
  equal,
  type GraphOutputs,
  inPlaceOf,
  isOp,
  matmul,
  mul,
  not,
  type Rewritten,
  reshape,
  rewrite,
  scalar,
  softmax,
  transpose,
  type Value,
  where,
} from "../graph/index.ts";

/** Added to the scores of masked pairs; their softmax is exactly 0 in float32. */
const BLOCKED = -1e9;

/**
 * The mask as a bias: 0 where token t of a row attends to token u, BLOCKED or less elsewhere. t attends to u when both
 * are of one segment (one sample), u is not later, and u is in t's branch or in branch 0, the part all branches share.
 * @returns [rows, 1, 1, length, length]
 */
function attentionBias({ segments, branches }: AttentionMask): Value {
  const [rows, length] = segments.shape as [number, number];
  const column = (x: Value) => reshape(x, [rows, 1, 1, length, 1]);
  const row = (x: Value) => reshape(x, [rows, 1, 1, 1, length]);
  const blockedUnless = (allowed: Value) => mul(cast(not(allowed), "float32"), scalar(BLOCKED));
  const later = Uint8Array.from({ length: length * length }, (_, i) => +(i % length > Math.floor(i / length)));
  const notLater = where(constant(later, "bool", [length, length]), scalar(BLOCKED), scalar(0));
  const segment = blockedUnless(equal(column(segments), row(segments)));
  const shared = equal(row(branches), constant(Int32Array.of(0), "int32", []));
  const branch = where(shared, scalar(0), blockedUnless(equal(column(branches), row(branches))));
  return add(notLater, add(segment, branch));
}

/**
 * softmax(scale·q·kᵀ + bias)·v in primitive ops. q [b, s, heads·dim], k and v [b, s, kvHeads·dim], bias [b or 1, 1, 1, s, s].
 * The query heads that share a key head are stacked as rows of one product, so keys are never repeated in memory.
 */
function primitiveAttention(
  [q, k, v]: readonly [Value, Value, Value],
  { heads, kvHeads, scale }: AttentionShape,
  bias: Value | undefined,
): Value {
  const [b, s] = q.shape as [number | string, number];
  const dim = (q.shape[2] as number) / heads;
  const group = heads / kvHeads;
  const split = (x: Value) => transpose(reshape(x, [b, s, kvHeads, dim]), [0, 2, 1, 3]); // [b, kv, s, d]
  const scaled = mul(q, scalar(scale));
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

/**
 * The same outputs with every `attention` node in primitive ops. Nodes of one mask share one bias.
 * @example lowerAttention({ loss: graph.loss }).loss
 */
export function lowerAttention<T extends GraphOutputs>(outputs: T): Rewritten<T> {
  const biases = new Map<Value, Value>();
  const biasOf = (segments: Value, branches: Value): Value => {
    const known = biases.get(segments);
    if (known) return known;
    const place = { scope: "positions", gradientOf: undefined };
    const bias = inPlaceOf(place, () => attentionBias({ segments, branches }));
    biases.set(segments, bias);
    return bias;
  };
  return rewrite(outputs, (node, [q, k, v, segments, branches]) => {
    if (!isOp(node, attentionOp)) return undefined;
    const bias = segments && biasOf(segments, branches!);
    return [primitiveAttention([q!, k!, v!], node.attrs, bias)];
  });
}
