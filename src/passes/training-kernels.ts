/** @file The pass that replaces ops of a training graph by native kernels. It runs before differentiation, since the kernels have gradients of their own. */

import {
  type Attrs,
  attentionOp,
  type GraphOutputs,
  geluTanhOp,
  isResultOf,
  layerNormOp,
  linearOp,
  logProbOp,
  mulOp,
  type Op,
  type Rewritten,
  rewrite,
  rmsNormOp,
  sameShape,
  siluOp,
  trainAttention,
  trainGate,
  trainGelu,
  trainLinear,
  trainLogProb,
  trainNorm,
  type Value,
} from "../graph/index.ts";

/** Element types of the factors of matrix products in training. Sums, weights, activations and moments are always float32. */
export const PRECISIONS = ["float32", "bfloat16"] as const;
export type Precision = (typeof PRECISIONS)[number];

type Form<A extends Attrs> = (
  inputs: readonly (Value | undefined)[],
  attrs: A,
  bf16: boolean,
) => readonly Value[] | undefined;

/** An op and its native form. */
const form = <A extends Attrs>(op: Op<A>, make: Form<A>): [Op, Form<Attrs>] => [
  op as unknown as Op,
  make as unknown as Form<Attrs>,
];

const FORMS = new Map([
  form(linearOp, ([x, w, bias], _, bf16) => [trainLinear(x!, w!, bias, bf16)]),
  form(attentionOp, ([q, k, v, segments, branches], shape, bf16) => {
    const mask = segments && { segments, branches: branches! };
    return [trainAttention([q!, k!, v!], shape, mask, bf16)];
  }),
  form(geluTanhOp, ([x]) => [trainGelu(x!)]),
  form(mulOp, ([a, b]) =>
    isResultOf(a, siluOp) && sameShape(a.shape, b!.shape) ? [trainGate(a.node.inputs[0]!, b!)] : undefined,
  ),
  form(layerNormOp, ([x, w, b], { epsilon }) => {
    const [y, rstd, mean] = trainNorm(x!, w!, b, epsilon);
    return [y!, mean!, rstd!];
  }),
  form(rmsNormOp, ([x, w], { epsilon }) => trainNorm(x!, w!, undefined, epsilon)),
  form(logProbOp, ([logits, targets]) => [trainLogProb(logits!, targets!)]),
]);

/**
 * The same outputs by native kernels wherever there is one.
 * @param precision "bfloat16" rounds the factors of linear layers and of attention
 * @example useTrainingKernels({ loss: graph.loss }, "float32").loss
 */
export const useTrainingKernels = <T extends GraphOutputs>(outputs: T, precision: Precision): Rewritten<T> =>
  rewrite(outputs, (node, inputs) => FORMS.get(node.op)?.(inputs, node.attrs, precision === "bfloat16"));
