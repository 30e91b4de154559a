/** @file Walks over a graph: nodes in an order in which every node comes after its inputs. */

import { weightOp } from "./ops/source.ts";
import { isOp, type Node, type Value } from "./value.ts";

/** All nodes that `outputs` reach, inputs first. Iterative, so deep graphs do not exhaust the stack. */
export function topologicalOrder(outputs: readonly Value[]): Node[] {
  const order: Node[] = [];
  const state = new Map<Node, "open" | "done">();
  const stack: Node[] = outputs.map((v) => v.node).reverse();
  while (stack.length > 0) {
    const node = stack.at(-1)!;
    if (state.has(node)) {
      stack.pop();
      if (state.get(node) === "open") {
        state.set(node, "done");
        order.push(node);
      }
      continue;
    }
    state.set(node, "open");
    for (let i = node.inputs.length - 1; i >= 0; i--) {
      const from = node.inputs[i]?.node;
      if (from && !state.has(from)) stack.push(from);
    }
  }
  return order;
}

/** The weights that `outputs` reach, in walk order. */
export const weightsOf = (outputs: readonly Value[]): Value[] =>
  topologicalOrder(outputs).flatMap((node) => (isOp(node, weightOp) ? [node.outputs[0]!] : []));
