/** @file The pass that fuses norms, activations and residual sums into native products. */
import {
  addOp,
  blockwiseOp,
  type GraphOutputs,
  geluOp,
  geluTanhOp,
  isOp,
  layerNormOp,
  type Node,
  type Rewritten,
  rewrite,
  rmsNormOp,
  sameShape,
  swiGluOp,
  type Value,
  withFused,
} from "../graph/index.ts";

/** How often each value is read, as an input or as an output of the graph. */
function countReaders(outputs: readonly Value[]): Map<Value, number> {
  const readers = new Map<Value, number>();
  const seen = new Set<Node>();
  const read = (value: Value): void => {
    readers.set(value, (readers.get(value) ?? 0) + 1);
    if (seen.has(value.node)) return;
    seen.add(value.node);
    for (const input of value.node.inputs) if (input) read(input);
  };
  outputs.forEach(read);
  return readers;
}

/**
 * Fuses into each native product the norm of its input rows, the activation that follows and the residual sum, provided that
 * nothing else reads the product. This saves passes over memory, and nodes, each of which costs some ten microseconds.
 * @example fuseProducts(quantize(visionGraph(config), { rules: [["vit.*", "int8"]], kernels: "native" }))
 */
export function fuseProducts<T extends GraphOutputs>(outputs: T): Rewritten<T> {
  const readers = countReaders(Object.values(outputs));
  const own = (v: Value | undefined) => v !== undefined && readers.get(v) === 1;
  return rewrite(outputs, (node, inputs) => {
    const fused = fusedWith(node, inputs, own);
    return fused && [fused];
  });
}

function fusedWith(
  node: Node,
  [a, b]: readonly (Value | undefined)[],
  own: (v: Value | undefined) => boolean,
): Value | undefined {
  if (isOp(node, blockwiseOp)) {
    const from = a!.node;
    if (a!.output !== 0 || !(isOp(from, rmsNormOp) || isOp(from, layerNormOp))) return undefined;
    const [rows, weight, bias] = from.inputs;
    return withFused(node.outputs[0]!, { norm: { weight: weight!, bias, epsilon: from.attrs.epsilon } }, rows);
  }
  if (isOp(node, geluOp)) return own(node.inputs[0]) ? withFused(a!, { activation: "gelu" }) : undefined;
  if (isOp(node, geluTanhOp)) return own(node.inputs[0]) ? withFused(a!, { activation: "geluTanh" }) : undefined;
  if (isOp(node, swiGluOp)) return own(node.inputs[0]) ? withFused(a!, { activation: "swiGlu" }) : undefined;
  if (!isOp(node, addOp) || !sameShape(a!.shape, b!.shape)) return undefined;
  const sum = (product: Value, other: Value, i: number) =>
    own(node.inputs[i]) ? withFused(product, { residual: other }) : undefined;
  return sum(b!, a!, 1) ?? sum(a!, b!, 0);
}
