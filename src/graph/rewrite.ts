/** @file Rebuilds a graph with some nodes replaced: the one mechanism behind every pass. */

import { type GraphOutputs, inPlaceOf, makeNode, type Node, type Value } from "./value.ts";
import { topologicalOrder } from "./walk.ts";

/**
 * Given a node and its rewritten inputs, returns the values that replace its outputs, or undefined to keep the node. `now`
 * returns the current form of any value that was visited before.
 */
export type Replace = (
  node: Node,
  inputs: readonly (Value | undefined)[],
  now: (v: Value) => Value,
) => readonly Value[] | undefined;

/** The rewritten outputs, under the same names. */
export type Rewritten<T extends GraphOutputs> = { [Name in keyof T]: Value };

/** A transformation of a graph that keeps its function, up to rounding. */
export type Pass = (outputs: GraphOutputs) => GraphOutputs;

/**
 * Calls `replace` on every node and returns the named `outputs` over the new graph. Unchanged parts are shared with the old
 * graph. New nodes get the place of the node that they replace.
 * @param order another order in which every node still comes after its inputs
 * @throws Error when a replacement has fewer outputs than the node, naming the node
 * @example rewrite({ y }, (node, [x]) => (isOp(node, geluTanhOp) ? [gelu(x!)] : undefined)).y
 */
export function rewrite<T extends GraphOutputs>(
  outputs: T,
  replace: Replace,
  order = topologicalOrder(Object.values(outputs)),
): Rewritten<T> {
  const replaced = new Map<Node, readonly Value[]>();
  const now = (v: Value): Value => replaced.get(v.node)?.[v.output] ?? v;
  for (const node of order) {
    const inputs = node.inputs.map((v) => v && now(v));
    const instead = inPlaceOf(node, () => replace(node, inputs, now));
    if (instead) {
      if (instead.length < node.outputs.length)
        throw new Error(
          `The replacement of ${node.scope}/${node.op.name} has ${instead.length} of ${node.outputs.length} outputs.`,
        );
      replaced.set(node, instead);
    } else if (inputs.some((v, i) => v !== node.inputs[i]))
      replaced.set(node, makeNode(node.op, inputs, node.attrs, node.outputs, node).outputs);
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, v]) => [name, now(v)])) as Rewritten<T>;
}

/** Applies passes in order. @example applyPasses(decoderGraph(config), [fuseResiduals, usePlainProducts]) */
export const applyPasses = (outputs: GraphOutputs, passes: readonly Pass[]): GraphOutputs =>
  passes.reduce((graph, pass) => pass(graph), outputs);
