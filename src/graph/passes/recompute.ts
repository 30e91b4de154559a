/** @file Activation checkpointing as a pass: the backward of a segment recomputes the segment's forward instead of keeping it. */

import { apply1, defineOp } from "../op.ts";
import { type Replace, rewrite } from "../rewrite.ts";
import { makeNode, type Node, type Value } from "../value.ts";
import { topologicalOrder } from "../walk.ts";

const BACKWARD = "backward/";
/** Sums of gradients stand in the bare scope, rules in that of the node they differentiate. */
const inBackward = (scope: string): boolean => scope === "backward" || scope.startsWith(BACKWARD);

/**
 * `x`, but not before `after` is known. Without it ORT would merge the recomputed nodes with the originals (they are equal)
 * or run them early, and nothing would be saved. Adds 0·after[0], so the value is x itself.
 */
const barrierOp = defineOp({
  name: "Barrier",
  infer: ([x]) => [{ dtype: x!.dtype, shape: x!.shape }],
  emit({ inputs: [x, after], outputs }, e) {
    const [flat, first, zero] = [e.temp("flat"), e.temp("first"), e.temp("zero")];
    e.node("Reshape", [e.name(after), e.int64([-1])], [flat]);
    e.node("Gather", [flat, e.int64([0])], [first], { axis: 0 });
    e.node("Mul", [first, e.float32(0)], [zero]);
    e.node("Add", [e.name(x), zero], e.outputs(outputs));
  },
});

const isSource = (node: Node): boolean => node.inputs.length === 0;

/** The first value made outside `segment`'s backward that its backward reads: when that is known, it is time to recompute. */
function arrivingGradient(own: readonly Node[]): Value | undefined {
  const inside = new Set(own);
  const arrives = (v: Value | undefined) => v?.dtype === "float32" && inBackward(v.node.scope) && !inside.has(v.node);
  for (const node of own) for (const v of node.inputs) if (v && arrives(v) && !isSource(v.node)) return v;
  return undefined;
}

/** `order` with the backward of each segment moved behind the gradient it waits for. */
function waitForGradients(order: readonly Node[], waitsFor: ReadonlyMap<Node, Node>): Node[] {
  const waiting = new Map<Node, Node[]>();
  const done = new Set<Node>();
  const result: Node[] = [];
  for (const node of order) {
    const gradient = waitsFor.get(node);
    if (gradient && !done.has(gradient)) {
      waiting.set(gradient, [...(waiting.get(gradient) ?? []), node]);
      continue;
    }
    for (const next of [node, ...(waiting.get(node) ?? [])]) {
      done.add(next);
      result.push(next);
    }
  }
  return result;
}

/**
 * The same outputs, with forward values of each segment computed twice instead of kept from forward to backward. Values that
 * enter a segment are kept; everything inside is made again once the gradient of the segment's result has arrived.
 * (Chen et al., "Training Deep Nets with Sublinear Memory Cost", arXiv 1604.06174.)
 * @param segmentOf segment of a forward node by its scope, or undefined for nodes whose values are kept
 * @example recompute(outputs, (scope) => /^decoder\/layers\.\d+/.exec(scope)?.[0])
 */
export function recompute(outputs: readonly Value[], segmentOf: (scope: string) => string | undefined): Value[] {
  const order = topologicalOrder(outputs);
  const forward = new Map<Node, string>();
  const backward = new Map<string, Node[]>();
  for (const node of order) {
    if (isSource(node)) continue;
    const isBackward = inBackward(node.scope);
    const segment = segmentOf(isBackward ? node.scope.slice(BACKWARD.length) : node.scope);
    if (segment === undefined) continue;
    if (!isBackward) forward.set(node, segment);
    else if (backward.has(segment)) backward.get(segment)!.push(node);
    else backward.set(segment, [node]);
  }
  const arriving = new Map<string, Value>();
  const segmentOfBackward = new Map<Node, string>();
  const waitsFor = new Map<Node, Node>();
  for (const [segment, own] of backward) {
    const gradient = arrivingGradient(own);
    if (!gradient) continue;
    arriving.set(segment, gradient);
    for (const node of own) {
      segmentOfBackward.set(node, segment);
      waitsFor.set(node, gradient.node);
    }
  }

  const copies = new Map<Node, readonly Value[]>();
  const barriers = new Map<Value, Value>();
  const replace: Replace = (node, inputs, now) => {
    const segment = segmentOfBackward.get(node);
    if (segment === undefined) return undefined;
    const again = (v: Value): Value => {
      if (forward.get(v.node) !== segment) {
        if (isSource(v.node) || v.dtype !== "float32") return v;
        if (!barriers.has(v)) barriers.set(v, apply1(barrierOp, [v, now(arriving.get(segment)!)], {}));
        return barriers.get(v)!;
      }
      if (!copies.has(v.node)) {
        const inner = v.node.inputs.map((u) => u && again(u));
        copies.set(v.node, makeNode(v.node.op, inner, v.node.attrs, v.node.outputs, `${BACKWARD}${segment}`).outputs);
      }
      return copies.get(v.node)![v.output]!;
    };
    const changed = node.inputs.map((v, i) => (v && forward.get(v.node) === segment ? again(v) : inputs[i]));
    return makeNode(node.op, changed, node.attrs, node.outputs, node.scope).outputs;
  };
  return rewrite(outputs, replace, waitForGradients(order, waitsFor));
}
