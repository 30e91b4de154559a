/** @file Elementwise arithmetic, comparisons and choices, with NumPy broadcasting. */

import type { DType } from "../dtype.ts";
import { onnxCode } from "../dtype.ts";
import { apply1, commonDType, defineOp, direct } from "../op.ts";
import { broadcastShapes } from "../shape.ts";
import type { Attrs, GradientCall, Op, Value } from "../value.ts";
import { scalar } from "./source.ts";

type Rule = (call: GradientCall<Attrs> & { readonly grad: Value }) => readonly (Value | undefined)[];

const withGrad = (rule: Rule | undefined): Op["gradient"] =>
  rule && ((call) => rule({ ...call, grad: call.grads[0]! }));

const binaryOp = (name: string, rule?: Rule, result?: DType): Op =>
  defineOp({
    name,
    infer: ([a, b]) => [{ dtype: result ?? commonDType([a!, b!]), shape: broadcastShapes(a!.shape, b!.shape) }],
    gradient: withGrad(rule),
    emit: direct(name),
  });

const calls =
  (op: Op) =>
  (a: Value, b: Value): Value =>
    apply1(op, [a, b], {});
const binary = (name: string, rule?: Rule, result?: DType) => calls(binaryOp(name, rule, result));

function unary(name: string, rule?: Rule): (x: Value) => Value {
  const op = defineOp({
    name,
    infer: ([x]) => [{ dtype: x!.dtype, shape: x!.shape }],
    gradient: withGrad(rule),
    emit: direct(name),
  });
  return (x) => apply1(op, [x], {});
}

const when = (condition: boolean | undefined, make: () => Value): Value | undefined => (condition ? make() : undefined);

export const equal = binary("Equal", undefined, "bool");
export const less = binary("Less", undefined, "bool");
export const greater = binary("Greater", undefined, "bool");

export const addOp = binaryOp("Add", ({ grad }) => [grad, grad]);
export const add = calls(addOp);
export const sub = binary("Sub", ({ grad, needs }) => [grad, when(needs[1], () => neg(grad))]);
export const mulOp = binaryOp("Mul", ({ grad, inputs: [a, b], needs }) => [
  when(needs[0], () => mul(grad, b!)),
  when(needs[1], () => mul(grad, a!)),
]);
export const mul = calls(mulOp);
export const div = binary("Div", ({ grad, inputs: [, b], outputs: [y], needs }) => {
  const da = div(grad, b!);
  return [da, when(needs[1], () => neg(mul(da, y!)))];
});

/** 1 where a wins, 0 where b wins, 1/2 on ties: torch and tinygrad split a tie evenly between both branches. */
const share = (wins: Value, ties: Value): Value => add(cast(wins, "float32"), mul(cast(ties, "float32"), scalar(0.5)));

const extremum = (name: "Min" | "Max", wins: (a: Value, b: Value) => Value) =>
  binary(name, ({ grad, inputs: [a, b] }) => {
    const toA = mul(grad, share(wins(a!, b!), equal(a!, b!)));
    return [toA, sub(grad, toA)];
  });
/** Elementwise minimum; the gradient of a tie goes half to each side. */
export const minimum = extremum("Min", less);
/** Elementwise maximum; the gradient of a tie goes half to each side. */
export const maximum = extremum("Max", greater);

export const neg = unary("Neg", ({ grad }) => [neg(grad)]);
export const exp = unary("Exp", ({ grad, outputs: [y] }) => [mul(grad, y!)]);
export const log = unary("Log", ({ grad, inputs: [x] }) => [div(grad, x!)]);
export const sqrt = unary("Sqrt", ({ grad, outputs: [y] }) => [div(mul(grad, scalar(0.5)), y!)]);
export const tanh = unary("Tanh", ({ grad, outputs: [y] }) => [mul(grad, sub(scalar(1), mul(y!, y!)))]);
export const sigmoid = unary("Sigmoid", ({ grad, outputs: [y] }) => [mul(grad, mul(y!, sub(scalar(1), y!)))]);
/** d erf(x)/dx = 2/sqrt(pi) · exp(-x²) */
export const erf = unary("Erf", ({ grad, inputs: [x] }) => [
  mul(grad, mul(scalar(2 / Math.sqrt(Math.PI)), exp(neg(mul(x!, x!))))),
]);
export const not = unary("Not");

const castOp = defineOp<{ to: DType }>({
  name: "Cast",
  infer: ([x], { to }) => [{ dtype: to, shape: x!.shape }],
  // Rounding to another float type counts as the identity; whole numbers and booleans have no gradient.
  gradient: ({ inputs: [x], grads: [grad] }) => [/float/.test(x!.dtype) ? cast(grad!, x!.dtype) : undefined],
  emit: ({ inputs, outputs, attrs }, e) =>
    e.node("Cast", [e.name(inputs[0])], e.outputs(outputs), { to: onnxCode(attrs.to) }),
});
/** The same values as another element type. */
export const cast = (x: Value, to: DType): Value => (x.dtype === to ? x : apply1(castOp, [x], { to }));

const whereOp = defineOp({
  name: "Where",
  infer([condition, a, b]) {
    if (condition!.dtype !== "bool") throw new TypeError(`the condition is ${condition!.dtype}, expected bool`);
    return [
      { dtype: commonDType([a!, b!]), shape: broadcastShapes(condition!.shape, broadcastShapes(a!.shape, b!.shape)) },
    ];
  },
  gradient({ inputs: [condition], grads: [grad], needs }) {
    const zero = scalar(0);
    return [
      undefined,
      when(needs[1], () => where(condition!, grad!, zero)),
      when(needs[2], () => where(condition!, zero, grad!)),
    ];
  },
  emit: direct("Where"),
});
/** `a` where `condition` is true, else `b`. */
export const where = (condition: Value, a: Value, b: Value): Value => apply1(whereOp, [condition, a, b], {});

const clipOp = defineOp<{ low: number; high: number }>({
  name: "Clip",
  infer: ([x]) => [{ dtype: x!.dtype, shape: x!.shape }],
  // torch.clamp passes the gradient inside and at both bounds, and stops it outside.
  gradient({ inputs: [x], attrs, grads: [grad] }) {
    const inLow = where(less(x!, scalar(attrs.low)), scalar(0), grad!);
    return [where(greater(x!, scalar(attrs.high)), scalar(0), inLow)];
  },
  emit: ({ inputs, outputs, attrs }, e) =>
    e.node("Clip", [e.name(inputs[0]), e.float32(attrs.low), e.float32(attrs.high)], e.outputs(outputs)),
});
/** `x` limited to [low, high]. */
export const clip = (x: Value, low: number, high: number): Value => apply1(clipOp, [x], { low, high });

export const stopGradientOp = defineOp({
  name: "StopGradient",
  infer: ([x]) => [{ dtype: x!.dtype, shape: x!.shape }],
  emit: direct("Identity"),
});
/** `x`, treated as a constant by `backward`. */
export const stopGradient = (x: Value): Value => apply1(stopGradientOp, [x], {});
