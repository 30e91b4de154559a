/** @file Rebuilds a graph with some nodes replaced: the one mechanism behind every pass. */

import { makeNode, type Node, type Value } from "./value.ts";
import { topologicalOrder } from "./walk.ts";

/**
 * Given a node and its already rewritten inputs, the values to use instead of its outputs, or undefined to keep it. `now`
 * gives what has become of any value that was visited before.
 */
export type Replace = (
  node: Node,
  inputs: readonly (Value | undefined)[],
  now: (v: Value) => Value,
) => readonly Value[] | undefined;

/**
 * `outputs` over a new graph in which `replace` had its say at every node; untouched parts are shared with the old graph.
 * @param order another order in which every node still comes after its inputs
 * @throws Error when a replacement has fewer outputs than the node, naming the node
 */
export function rewrite(outputs: readonly Value[], replace: Replace, order = topologicalOrder(outputs)): Value[] {
  const replaced = new Map<Node, readonly Value[]>();
  const now = (v: Value): Value => replaced.get(v.node)?.[v.output] ?? v;
  for (const node of order) {
    const inputs = node.inputs.map((v) => v && now(v));
    const instead = replace(node, inputs, now);
    if (instead) {
      if (instead.length < node.outputs.length)
        throw new Error(
          `the replacement of ${node.scope}/${node.op.name} has ${instead.length} of ${node.outputs.length} outputs`,
        );
      replaced.set(node, instead);
    } else if (inputs.some((v, i) => v !== node.inputs[i]))
      replaced.set(node, makeNode(node.op, inputs, node.attrs, node.outputs, node.scope).outputs);
  }
  return outputs.map(now);
}
