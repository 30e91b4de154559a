/** @file The pass that writes attention nodes in primitive ops, which every ONNX Runtime has and which have gradients. */

import {
  type AttentionMask,
  add,
  attentionOp,
  cast,
  constant,
  equal,
  mul,
  not,
  reshape,
  rewrite,
  scalar,
  scoped,
  type Value,
  where,
} from "../graph/index.ts";
import { primitiveAttention } from "./attend.ts";

/** Added to the score of a pair that must not look at each other; its softmax is exactly 0 in float32. */
const BLOCKED = -1e9;

/**
 * 0 where token t of a row may look at token u, BLOCKED or less elsewhere: [rows, 1, 1, length, length]. t sees u when both
 * are of one segment (one sample), u is not later, and u is in t's branch or in branch 0, the part all branches share.
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
 * The same outputs with every `attention` node in primitive ops. Nodes of one mask share one bias.
 * @example const [loss] = lowerAttention([graph.loss]);
 */
export function lowerAttention(outputs: readonly Value[]): Value[] {
  const biases = new Map<Value, Value>();
  const biasOf = (segments: Value, branches: Value): Value => {
    const known = biases.get(segments);
    if (known) return known;
    const bias = scoped("positions", () => attentionBias({ segments, branches }));
    biases.set(segments, bias);
    return bias;
  };
  return rewrite(outputs, (node, [q, k, v, segments, branches]) => {
    if (node.op.name !== attentionOp.name) return undefined;
    const { heads, kvHeads } = node.attrs as { heads: number; kvHeads: number };
    const bias = segments && biasOf(segments, branches!);
    return scoped(node.scope, () => [primitiveAttention(q!, k!, v!, heads, kvHeads, bias)]);
  });
}
