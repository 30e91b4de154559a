/** @file Sums, means and maxima over axes; softmax over the last axis. */

import { apply1, defineOp, direct } from "../op.ts";
import { normalizeAxis, reshapeWithOnes, type Shape } from "../shape.ts";
import type { EmitCall, Emitter, Value } from "../value.ts";
import { cast, div, equal, exp, mul, sub } from "./elementwise.ts";
import { expandLike, reshape } from "./movement.ts";
import { scalar } from "./source.ts";

type ReduceAttrs = { axes: readonly number[]; keepDims: boolean };

const reduced = (shape: Shape, { axes, keepDims }: ReduceAttrs): Shape =>
  shape.flatMap((d, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [d]));

const emitReduce =
  (type: string) =>
  ({ inputs, outputs, attrs }: EmitCall<ReduceAttrs>, e: Emitter): void =>
    e.node(type, [e.name(inputs[0]), e.int64(attrs.axes)], e.outputs(outputs), { keepdims: attrs.keepDims ? 1 : 0 });

const count = (shape: Shape, axes: readonly number[]): number =>
  axes.reduce((n, a) => {
    const d = shape[a];
    if (typeof d !== "number") throw new RangeError(`the mean over axis ${a} needs its size, which is only named ${d}`);
    return n * d;
  }, 1);

function reduction(
  name: string,
  gradient: (x: Value, y: Value, grad: Value, attrs: ReduceAttrs) => Value,
): (x: Value, axes: readonly number[], keepDims?: boolean) => Value {
  const op = defineOp<ReduceAttrs>({
    name,
    infer: ([x], attrs) => [{ dtype: x!.dtype, shape: reduced(x!.shape, attrs) }],
    gradient({ inputs: [x], outputs: [y], attrs, grads: [grad] }) {
      const kept = reshapeWithOnes(x!.shape, attrs.axes);
      return [gradient(x!, reshape(y!, kept), reshape(grad!, kept), attrs)];
    },
    emit: emitReduce(name),
  });
  return (x, axes, keepDims = false) =>
    apply1(op, [x], { axes: axes.map((a) => normalizeAxis(a, x.shape.length)).sort((a, b) => a - b), keepDims });
}

/** Sum over `axes`. */
export const reduceSum = reduction("ReduceSum", (x, _y, grad) => expandLike(grad, x));
/** Mean over `axes`. */
export const reduceMean = reduction("ReduceMean", (x, _y, grad, { axes }) =>
  expandLike(mul(grad, scalar(1 / count(x.shape, axes))), x),
);
/** Maximum over `axes`; ties share the gradient evenly, as torch.amax does. */
export const reduceMax = reduction("ReduceMax", (x, y, grad, { axes }) => {
  const winners = cast(equal(x, y), "float32");
  return mul(winners, div(grad, reduceSum(winners, axes, true)));
});

const softmaxOp = defineOp({
  name: "Softmax",
  infer: ([x]) => [{ dtype: x!.dtype, shape: x!.shape }],
  // dL/dx = y ⊙ (g - Σ g ⊙ y)
  gradient({ outputs: [y], grads: [grad] }) {
    const gy = mul(grad!, y!);
    return [sub(gy, mul(y!, reduceSum(gy, [-1], true)))];
  },
  emit: ({ inputs, outputs }, e) => e.node("Softmax", [e.name(inputs[0])], e.outputs(outputs), { axis: -1 }),
});
/** exp(x) / Σ exp(x) over the last axis, computed without overflow. */
export const softmax = (x: Value): Value => apply1(softmaxOp, [x], {});

const logSoftmaxOp = defineOp({
  name: "LogSoftmax",
  infer: ([x]) => [{ dtype: x!.dtype, shape: x!.shape }],
  // dL/dx = g - softmax(x) · Σ g
  gradient: ({ outputs: [y], grads: [grad] }) => [sub(grad!, mul(exp(y!), reduceSum(grad!, [-1], true)))],
  emit: direct("LogSoftmax"),
});
/** log(softmax(x)) over the last axis, computed without overflow. */
export const logSoftmax = (x: Value): Value => apply1(logSoftmaxOp, [x], {});

const argMaxOp = defineOp({
  name: "ArgMax",
  infer: ([x]) => [{ dtype: "int64", shape: x!.shape.slice(0, -1) }],
  emit: ({ inputs, outputs }, e) =>
    e.node("ArgMax", [e.name(inputs[0])], e.outputs(outputs), { axis: -1, keepdims: 0 }),
});
/** Index of the first maximum along the last axis, int64. */
export const argMax = (x: Value): Value => apply1(argMaxOp, [x], {});
