/** @file The pass that lets native products do what stands around them: norm before, activation and residual after. */
import { type Node, rewrite, scoped, showShape, type Value, withFused } from "../../graph/index.ts";
import type { GraphOutputs } from "../inference-graphs.ts";

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
 * Native products of a graph take over the norm that their rows come from, the activation that follows and the sum that they
 * go into, where nobody else reads the product. That saves passes over memory, and nodes: one costs some ten microseconds.
 * @example fuseProducts(quantize(visionGraph(config), { rules: [["vit.*", "int8"]], kernels: "native" }))
 */
export function fuseProducts(outputs: GraphOutputs): GraphOutputs {
  const readers = countReaders(Object.values(outputs));
  const own = (v: Value | undefined) => v !== undefined && readers.get(v) === 1;
  const values = rewrite(Object.values(outputs), (node, inputs) => {
    const fused = scoped(node.scope, () => fusedWith(node, inputs, own));
    return fused && [fused];
  });
  return Object.fromEntries(Object.keys(outputs).map((name, i) => [name, values[i]!]));
}

function fusedWith(
  node: Node,
  inputs: readonly (Value | undefined)[],
  own: (v: Value | undefined) => boolean,
): Value | undefined {
  const [a, b] = inputs;
  switch (node.op.name) {
    case "BlockwiseMatMul": {
      const from = a!.node;
      if (a!.output !== 0 || (from.op.name !== "RmsNorm" && from.op.name !== "LayerNorm")) return undefined;
      const [rows, weight, bias] = from.inputs;
      const norm = { weight: weight!, bias, epsilon: from.attrs.epsilon as number };
      return withFused(node.outputs[0]!, { norm }, rows);
    }
    case "GeluTanh":
      return own(node.inputs[0]) ? withFused(a!, { activation: "geluTanh" }) : undefined;
    case "SwiGlu":
      return own(node.inputs[0]) ? withFused(a!, { activation: "swiGlu" }) : undefined;
    case "Add": {
      if (showShape(a!.shape) !== showShape(b!.shape)) return undefined;
      const sum = (product: Value, other: Value, i: number) =>
        own(node.inputs[i]) ? withFused(product, { residual: other }) : undefined;
      return sum(b!, a!, 1) ?? sum(a!, b!, 0);
    }
    default:
      return undefined;
  }
}
