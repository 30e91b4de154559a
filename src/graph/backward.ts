/** @file Reverse-mode differentiation: gradients of a scalar as new nodes of the same graph. */

import { add, stopGradientOp } from "./ops/elementwise.ts";
import { reshape } from "./ops/movement.ts";
import { reduceSum } from "./ops/reduction.ts";
import { constant } from "./ops/source.ts";
import { broadcastAxes, sameShape, showShape } from "./shape.ts";
import { isOp, markedGradientOf, type Node, scoped, type Value } from "./value.ts";
import { topologicalOrder } from "./walk.ts";

/** Sums a gradient to the shape of the value it belongs to, undoing broadcasting. */
function unbroadcast(grad: Value, to: Value): Value {
  if (sameShape(grad.shape, to.shape)) return grad;
  const { added, stretched } = broadcastAxes(to.shape, grad.shape);
  const axes = [...added, ...stretched];
  return reshape(axes.length > 0 ? reduceSum(grad, axes) : grad, to.shape);
}

/** Nodes on a path from a target to the loss: only these are differentiated. */
function nodesBetween(order: readonly Node[], targets: ReadonlySet<Value>): Set<Node> {
  const between = new Set<Node>();
  for (const node of order)
    if (!isOp(node, stopGradientOp) && node.inputs.some((v) => v && (targets.has(v) || between.has(v.node))))
      between.add(node);
  return between;
}

/** The chain of scopes from `node` to the loss, for errors. */
function pathToLoss(from: Node, order: readonly Node[]): string {
  const path = [from];
  for (const node of order.slice(order.indexOf(from) + 1))
    if (node.inputs.some((v) => v?.node === path.at(-1))) path.push(node);
  const text = path.map((n) => `${n.scope ? `${n.scope}/` : ""}${n.op.name}`);
  return text.length <= 8 ? text.join(" → ") : [...text.slice(0, 6), "…", text.at(-1)].join(" → ");
}

/**
 * d(loss)/d(target) for every target, each in its target's shape; undefined where the loss does not depend on it.
 * As in tinygrad (tinygrad/mixin/gradient.py), rules build new nodes and only nodes between targets and loss are visited.
 * Undoing broadcasts and summing gradients happens here instead of in every rule.
 * @throws Error when an op on the way has no gradient rule, naming the op and its path to the loss
 * @example const [dw] = gradients(reduceSum(mul(w, x), [0]), [w])
 */
export function gradients(loss: Value, targets: readonly Value[]): (Value | undefined)[] {
  if (loss.shape.length !== 0)
    throw new Error(
      `A gradient needs a scalar loss; found shape ${showShape(loss.shape)}. Reduce it first, for example with reduceSum.`,
    );
  const build = () => {
    const order = topologicalOrder([loss]);
    const wanted = new Set(targets);
    const between = nodesBetween(order, wanted);
    const grads = new Map<Value, Value>([[loss, constant(Float32Array.of(1), "float32", [])]]);
    for (const node of [...order].reverse()) {
      if (!between.has(node)) continue;
      const outputGrads = node.outputs.map((v) => grads.get(v));
      if (outputGrads.every((g) => g === undefined)) continue;
      if (!node.op.gradient)
        throw new Error(`${node.op.name} has no gradient rule; its path to the loss is ${pathToLoss(node, order)}.`);
      const needs = node.inputs.map((v) => v !== undefined && (wanted.has(v) || between.has(v.node)));
      const call = {
        inputs: node.inputs as Value[],
        outputs: node.outputs,
        attrs: node.attrs,
        grads: outputGrads,
        needs,
      };
      const inputGrads = markedGradientOf(node.scope, () => scoped(node.scope, () => node.op.gradient!(call)));
      node.inputs.forEach((v, i) => {
        const grad = inputGrads[i];
        if (!v || !needs[i] || !grad) return;
        const before = grads.get(v);
        const summed = unbroadcast(grad, v);
        grads.set(v, before ? add(before, summed) : summed);
      });
    }
    return targets.map((t) => grads.get(t));
  };
  return markedGradientOf("", () => scoped("backward", build));
}
