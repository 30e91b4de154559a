/** @file How much memory the intermediate values of a graph take at most, found by going through it as a runtime would. */

import {
  bytesPerElement,
  elementCount,
  type GraphOutputs,
  isInput,
  isOp,
  isWeight,
  type Node,
  reshapeOp,
  topologicalOrder,
  type Value,
} from "../graph/index.ts";

const sizeOf = ({ dtype, shape }: Value): number => elementCount(shape) * bytesPerElement(dtype);

/**
 * The order in which ONNX Runtime runs nodes that were written in `order`: depth first from the results that nobody reads, the
 * last of them first. Weight gradients so come as soon as the backward pass has what they need.
 */
function runningOrder(order: readonly Node[]): Node[] {
  const index = new Map(order.map((node, i) => [node, i]));
  const read = new Set(order.flatMap((node) => node.inputs.flatMap((v) => (v ? [v.node] : []))));
  const stack = order.filter((node) => !read.has(node)).map((node) => ({ node, leaving: false }));
  const seen = new Set<Node>();
  const running: Node[] = [];
  while (stack.length > 0) {
    const { node, leaving } = stack.pop()!;
    if (leaving) running.push(node);
    if (leaving || seen.has(node)) continue;
    seen.add(node);
    stack.push({ node, leaving: true });
    const from = [...new Set(node.inputs.flatMap((v) => (v ? [v.node] : [])))];
    for (const next of from.sort((a, b) => index.get(a)! - index.get(b)!))
      if (!seen.has(next)) stack.push({ node: next, leaving: false });
  }
  return running;
}

/**
 * The most bytes that are alive at once between the first node and the last, beside inputs, weights and `outputs`, whose
 * memory is the caller's. A value is freed behind its last reader.
 * @throws RangeError when a dimension is only named
 * @example peakLiveBytes({ loss }) / 2 ** 20 // MiB of activations
 */
export function peakLiveBytes(outputs: GraphOutputs): number {
  const order = runningOrder(topologicalOrder(Object.values(outputs)));
  const bound = new Set(Object.values(outputs));
  /** A reshaped value stands in the memory of what it was made from. */
  const owners = new Map<Value, Value>();
  const ownerOf = (v: Value): Value => owners.get(v) ?? v;
  const readers = new Map<Value, number>();
  for (const node of order) {
    if (isOp(node, reshapeOp)) owners.set(node.outputs[0]!, ownerOf(node.inputs[0]!));
    for (const v of node.inputs) if (v) readers.set(ownerOf(v), (readers.get(ownerOf(v)) ?? 0) + 1);
  }
  const isOurs = (v: Value): boolean => !isInput(v) && !isWeight(v) && !bound.has(v) && !owners.has(v);
  let [live, most] = [0, 0];
  for (const node of order) {
    const made = node.outputs.filter(isOurs);
    live += made.reduce((sum, v) => sum + sizeOf(v), 0);
    most = Math.max(most, live);
    const read = node.inputs.flatMap((v) => (v ? [ownerOf(v)] : []));
    for (const v of read) readers.set(v, readers.get(v)! - 1);
    // Kernels write every result, also those that nobody reads.
    const over = new Set([...read, ...made].filter((v) => isOurs(v) && !readers.get(v)));
    for (const v of over) live -= sizeOf(v);
  }
  return most;
}
