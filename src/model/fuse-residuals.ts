/** @file The pass that adds a residual and normalises the sum in one kernel: on a GPU every kernel costs its start. */
import { addRmsNorm, type Node, rewrite, sameShape, scoped, topologicalOrder, type Value } from "../graph/index.ts";
import type { GraphOutputs } from "./inference-graphs.ts";

/** Whether a value is a sum of two equal shapes: a residual, not a bias. */
const isResidual = (v: Value | undefined): v is Value =>
  v?.node.op.name === "Add" && sameShape(v.node.inputs[0]!.shape, v.node.inputs[1]!.shape);

/**
 * Every RMSNorm of a residual sum, with the sum, as one op; the sum goes on to the next residual.
 * @example fuseResiduals(decoderGraph(config)).logits
 */
export function fuseResiduals(outputs: GraphOutputs): GraphOutputs {
  const values = Object.values(outputs);
  /** By the sum: the norm that reads it. */
  const norms = new Map<Node, Node>();
  for (const node of topologicalOrder(values))
    if (node.op.name === "RmsNorm" && isResidual(node.inputs[0])) norms.set(node.inputs[0].node, node);
  const normed = new Map<Node, Value>();
  const rewritten = rewrite(values, (node, [a, b], now) => {
    const norm = norms.get(node);
    if (norm) {
      const { epsilon } = norm.attrs as { epsilon: number };
      const [output, sum] = scoped(norm.scope, () => addRmsNorm(a!, b!, now(norm.inputs[1]!), epsilon));
      normed.set(norm, output!);
      return [sum!];
    }
    const output = normed.get(node);
    return output && [output, ...node.outputs.slice(1)];
  });
  return Object.fromEntries(Object.keys(outputs).map((name, i) => [name, rewritten[i]!]));
}
