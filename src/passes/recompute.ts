/** @file Activation checkpointing as a pass: the backward of a segment recomputes the segment's forward instead of keeping it. */

import {
  apply1,
  defineOp,
  type GraphOutputs,
  inPlaceOf,
  makeNode,
  type Node,
  type Replace,
  type Rewritten,
  rewrite,
  topologicalOrder,
  type Value,
} from "../graph/index.ts";

/**
 * `x`, computed after `after`. Without this barrier ORT would merge the recomputed nodes with the originals, which are equal,
 * or run them early, and no memory would be saved. Adds 0·after[0], so the value is x itself.
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

const inBackward = (node: Node): boolean => node.gradientOf !== undefined;
const isSource = (node: Node): boolean => node.inputs.length === 0;

/** The first gradient that enters a segment's backward from outside: the recomputation waits for it. */
function arrivingGradient(own: readonly Node[]): Value | undefined {
  const inside = new Set(own);
  const arrives = (v: Value | undefined) => v?.dtype === "float32" && inBackward(v.node) && !inside.has(v.node);
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
 * enter a segment are kept; everything inside is recomputed once the gradient of the segment's result is known.
 * (Chen et al., "Training Deep Nets with Sublinear Memory Cost", arXiv 1604.06174.)
 * @param segmentOf segment of a forward node by its scope, or undefined for nodes whose values are kept
 * @example recompute(outputs, (scope) => /^decoder\/layers\.\d+/.exec(scope)?.[0])
 */
export function recompute<T extends GraphOutputs>(
  outputs: T,
  segmentOf: (scope: string) => string | undefined,
): Rewritten<T> {
  const order = topologicalOrder(Object.values(outputs));
  const forward = new Map<Node, string>();
  const backward = new Map<string, Node[]>();
  for (const node of order) {
    if (isSource(node)) continue;
    const segment = segmentOf(node.gradientOf ?? node.scope);
    if (segment === undefined) continue;
    if (!inBackward(node)) forward.set(node, segment);
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
    const place = { scope: `backward/${segment}`, gradientOf: segment };
    const again = (v: Value): Value => {
      if (forward.get(v.node) !== segment) {
        if (isSource(v.node) || v.dtype !== "float32") return v;
        if (!barriers.has(v))
          barriers.set(
            v,
            inPlaceOf(place, () => apply1(barrierOp, [v, now(arriving.get(segment)!)], {})),
          );
        return barriers.get(v)!;
      }
      if (!copies.has(v.node)) {
        const inner = v.node.inputs.map((u) => u && again(u));
        copies.set(v.node, makeNode(v.node.op, inner, v.node.attrs, v.node.outputs, place).outputs);
      }
      return copies.get(v.node)![v.output]!;
    };
    const changed = node.inputs.map((v, i) => (v && forward.get(v.node) === segment ? again(v) : inputs[i]));
    return makeNode(node.op, changed, node.attrs, node.outputs, node).outputs;
  };
  return rewrite(outputs, replace, waitForGradients(order, waitsFor));
}
