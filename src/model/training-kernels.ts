/** @file The pass that gives a training graph this package's native kernels. It runs before differentiation: their gradients are theirs. */

import {
  attentionOp,
  linearOp,
  type Node,
  rewrite,
  sameShape,
  scoped,
  trainAttention,
  trainGate,
  trainGelu,
  trainLinear,
  trainLogProb,
  trainNorm,
  type Value,
} from "../graph/index.ts";

/** Factors of matrix products in training; sums, weights, activations and moments are float32 always. */
export const PRECISIONS = ["float32", "bfloat16"] as const;
export type Precision = (typeof PRECISIONS)[number];

type Form = (
  inputs: readonly (Value | undefined)[],
  attrs: Node["attrs"],
  bf16: boolean,
) => readonly Value[] | undefined;

const FORMS: Readonly<Record<string, Form>> = {
  [linearOp.name]: ([x, w, bias], _, bf16) => [trainLinear(x!, w!, bias, bf16)],
  [attentionOp.name]: ([q, k, v, segments, branches], attrs, bf16) => {
    const mask = segments && { segments, branches: branches! };
    return [trainAttention([q!, k!, v!], attrs as { heads: number; kvHeads: number; scale: number }, mask, bf16)];
  },
  GeluTanh: ([x]) => [trainGelu(x!)],
  Mul: ([a, b]) =>
    a!.node.op.name === "Silu" && sameShape(a!.shape, b!.shape) ? [trainGate(a!.node.inputs[0]!, b!)] : undefined,
  LayerNorm([x, w, b], { epsilon }) {
    const [y, rstd, mean] = trainNorm(x!, w!, b, epsilon as number);
    return [y!, mean!, rstd!];
  },
  RmsNorm: ([x, w], { epsilon }) => trainNorm(x!, w!, undefined, epsilon as number),
  LogProbOf: ([logits, targets]) => [trainLogProb(logits!, targets!)],
};

/**
 * The same outputs by native kernels wherever there is one.
 * @param precision "bfloat16" rounds the factors of linear layers and of attention
 * @example const [loss] = useTrainingKernels([graph.loss], "float32");
 */
export const useTrainingKernels = (outputs: readonly Value[], precision: Precision): Value[] =>
  rewrite(outputs, (node, inputs) =>
    scoped(node.scope, () => FORMS[node.op.name]?.(inputs, node.attrs, precision === "bfloat16")),
  );
