/** @file Ops that only move elements: reshape, transpose, slice, pad, concat, expand. */

import { apply1, commonDType, defineOp } from "../op.ts";
import { broadcastShapes, type Dim, isStatic, normalizeAxis, type Shape, sameShape, showShape } from "../shape.ts";
import type { Emitter, Value } from "../value.ts";

/** The ONNX shape operand of Reshape: 0 copies a named dimension in place, one other named dimension becomes -1. */
function reshapeOperand(from: Shape, to: Shape): number[] {
  let free = 0;
  const operand = to.map((d, i) => {
    if (typeof d === "number") return d;
    if (from[i] === d) return 0;
    free++;
    return -1;
  });
  if (free > 1)
    throw new RangeError(`more than one dimension of ${showShape(to)} is unknown, coming from ${showShape(from)}`);
  return operand;
}

const product = (shape: Shape): { known: number; named: string } => ({
  known: shape.reduce<number>((n, d) => (typeof d === "number" ? n * d : n), 1),
  named: shape
    .filter((d) => typeof d === "string")
    .sort()
    .join("*"),
});

export const reshapeOp = defineOp<{ shape: Shape }>({
  name: "Reshape",
  infer([x], { shape }) {
    const from = product(x!.shape);
    const to = product(shape);
    if (from.named === to.named ? from.known !== to.known : isStatic(shape) === isStatic(x!.shape) && from.named === "")
      throw new RangeError(`${showShape(x!.shape)} does not have as many elements as ${showShape(shape)}`);
    reshapeOperand(x!.shape, shape);
    return [{ dtype: x!.dtype, shape }];
  },
  gradient: ({ inputs: [x], grads: [grad] }) => [reshape(grad!, x!.shape)],
  emit({ inputs, outputs, attrs }, e) {
    const operand = reshapeOperand(inputs[0]!.shape, attrs.shape);
    e.node("Reshape", [e.name(inputs[0]), e.int64(operand)], e.outputs(outputs));
  },
});
/**
 * The same elements in another shape. A named dimension may stay where it was, and one more may be named anew (its size
 * then follows from the others).
 * @example reshape(x, ["batch", 64, 4, 16]) // from ["batch", 64, 64]
 */
export const reshape = (x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : apply1(reshapeOp, [x], { shape });

const transposeOp = defineOp<{ perm: readonly number[] }>({
  name: "Transpose",
  infer([x], { perm }) {
    if ([...perm].sort((a, b) => a - b).some((p, i) => p !== i) || perm.length !== x!.shape.length)
      throw new RangeError(`[${perm}] is not an order of the ${x!.shape.length} axes`);
    return [{ dtype: x!.dtype, shape: perm.map((p) => x!.shape[p]!) }];
  },
  gradient: ({ attrs: { perm }, grads: [grad] }) => [
    transpose(
      grad!,
      perm.map((_, i) => perm.indexOf(i)),
    ),
  ],
  emit: ({ inputs, outputs, attrs }, e) => e.node("Transpose", [e.name(inputs[0])], e.outputs(outputs), { ...attrs }),
});
/** Axes in the order `perm`, as in NumPy. */
export const transpose = (x: Value, perm: readonly number[]): Value => apply1(transposeOp, [x], { perm });

const sliceOp = defineOp<{ axis: number; start: number; end: number }>({
  name: "Slice",
  infer([x], { axis, start, end }) {
    const size = x!.shape[axis];
    if (start < 0 || end <= start || (typeof size === "number" && end > size))
      throw new RangeError(`rows ${start} to ${end} are not inside axis ${axis} of ${showShape(x!.shape)}`);
    return [{ dtype: x!.dtype, shape: x!.shape.map((d, i) => (i === axis ? end - start : d)) }];
  },
  gradient({ inputs: [x], attrs: { axis, start, end }, grads: [grad] }) {
    const size = x!.shape[axis];
    if (typeof size !== "number") throw new RangeError(`cannot pad back to a dimension known only by name (${size})`);
    return [pad(grad!, axis, start, size - end)];
  },
  emit: ({ inputs, outputs, attrs: { axis, start, end } }, e) =>
    e.node("Slice", [e.name(inputs[0]), e.int64([start]), e.int64([end]), e.int64([axis])], e.outputs(outputs)),
});
/** Elements `start` (included) to `end` (excluded) along `axis`. */
export const slice = (x: Value, axis: number, start: number, end: number): Value =>
  apply1(sliceOp, [x], { axis: normalizeAxis(axis, x.shape.length), start, end });

const padOp = defineOp<{ axis: number; before: number; after: number }>({
  name: "Pad",
  infer([x], { axis, before, after }) {
    const size = x!.shape[axis];
    if (typeof size !== "number") throw new RangeError(`axis ${axis} of ${showShape(x!.shape)} is known only by name`);
    return [{ dtype: x!.dtype, shape: x!.shape.map((d, i) => (i === axis ? size + before + after : d)) }];
  },
  gradient({ inputs: [x], attrs: { axis, before }, grads: [grad] }) {
    return [slice(grad!, axis, before, before + (x!.shape[axis] as number))];
  },
  emit({ inputs, outputs, attrs: { axis, before, after } }, e) {
    const none = inputs[0]!.shape.map(() => 0);
    const pads = [...none.map((_, i) => (i === axis ? before : 0)), ...none.map((_, i) => (i === axis ? after : 0))];
    e.node("Pad", [e.name(inputs[0]), e.int64(pads)], e.outputs(outputs));
  },
});
/** Zeros before and after the elements along `axis`. */
export const pad = (x: Value, axis: number, before: number, after: number): Value =>
  before === 0 && after === 0 ? x : apply1(padOp, [x], { axis: normalizeAxis(axis, x.shape.length), before, after });

const sum = (dims: readonly Dim[]): Dim =>
  dims.every((d) => typeof d === "number") ? dims.reduce<number>((a, d) => a + (d as number), 0) : dims.join("+");

const concatOp = defineOp<{ axis: number }>({
  name: "Concat",
  infer(inputs, { axis }) {
    const [first] = inputs;
    for (const v of inputs)
      if (v.shape.length !== first!.shape.length || v.shape.some((d, i) => i !== axis && d !== first!.shape[i]))
        throw new RangeError(`shapes differ outside axis ${axis}`);
    const shape = first!.shape.map((d, i) => (i === axis ? sum(inputs.map((v) => v.shape[axis]!)) : d));
    return [{ dtype: commonDType(inputs), shape }];
  },
  gradient({ inputs, attrs: { axis }, grads: [grad], needs }) {
    let start = 0;
    return inputs.map((v, i) => {
      const from = start;
      start += v.shape[axis] as number;
      return needs[i] ? slice(grad!, axis, from, start) : undefined;
    });
  },
  emit: ({ inputs, outputs, attrs }, e) =>
    e.node(
      "Concat",
      inputs.map((v) => e.name(v)),
      e.outputs(outputs),
      { axis: attrs.axis },
    ),
});
/** Tensors joined along `axis`. */
export const concat = (values: readonly Value[], axis: number): Value =>
  values.length === 1 ? values[0]! : apply1(concatOp, values, { axis: normalizeAxis(axis, values[0]!.shape.length) });

/** The run-time shape of `like` where `shape` has names; a constant where it has none. */
function shapeOperand(shape: Shape, like: Value | undefined, e: Emitter): string {
  if (isStatic(shape)) return e.int64(shape);
  const name = e.temp("shape");
  e.node("Shape", [e.name(like)], [name]);
  return name;
}

const expandOp = defineOp({
  name: "Expand",
  infer: ([x, like]) => [{ dtype: x!.dtype, shape: broadcastShapes(x!.shape, like!.shape) }],
  gradient: ({ grads: [grad] }) => [grad, undefined],
  emit: ({ inputs, outputs }, e) =>
    e.node("Expand", [e.name(inputs[0]), shapeOperand(inputs[1]!.shape, inputs[1], e)], e.outputs(outputs)),
});
/** `x` repeated to the shape of `like` by broadcasting. */
export const expandLike = (x: Value, like: Value): Value =>
  sameShape(x.shape, like.shape) ? x : apply1(expandOp, [x, like], {});
