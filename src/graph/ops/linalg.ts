/** @file Matrix products: batched, and the linear layer that quantisation and LoRA rewrite. */

import { apply1, commonDType, defineOp } from "../op.ts";
import { broadcastShapes, type Shape, showShape } from "../shape.ts";
import type { Value } from "../value.ts";
import { reshape } from "./movement.ts";
import { reduceSum } from "./reduction.ts";

type MatMulAttrs = { transA: boolean; transB: boolean };

const lastTwo = (shape: Shape, swap: boolean) => {
  if (shape.length < 2) throw new RangeError(`${showShape(shape)} is not a matrix: expected at least two axes`);
  const [r, c] = shape.slice(-2);
  return swap ? [c!, r!] : [r!, c!];
};

const matmulOp = defineOp<MatMulAttrs>({
  name: "MatMul",
  infer([a, b], { transA, transB }) {
    const [m, k] = lastTwo(a!.shape, transA);
    const [k2, n] = lastTwo(b!.shape, transB);
    if (k !== k2) throw new RangeError(`the inner dimensions ${k} and ${k2} differ`);
    const batch = broadcastShapes(a!.shape.slice(0, -2), b!.shape.slice(0, -2));
    return [{ dtype: commonDType([a!, b!]), shape: [...batch, m!, n!] }];
  },
  // With Y = op(A)·op(B): dA is G·op(B)ᵀ or its transpose, dB is op(A)ᵀ·G or its transpose.
  gradient({ inputs: [a, b], attrs: { transA, transB }, grads: [g], needs }) {
    return [
      needs[0] ? (transA ? matmul(b!, g!, transB, true) : matmul(g!, b!, false, !transB)) : undefined,
      needs[1] ? (transB ? matmul(g!, a!, true, transA) : matmul(a!, g!, !transA, false)) : undefined,
    ];
  },
  emit({ inputs: [a, b], outputs, attrs: { transA, transB } }, e) {
    const names = [e.name(a), e.name(b)];
    if (!transA && !transB) e.node("MatMul", names, e.outputs(outputs));
    else e.node("FusedMatMul", names, e.outputs(outputs), { transA: +transA, transB: +transB }, "com.microsoft");
  },
});
/**
 * op(a)·op(b) over the last two axes, broadcasting the others; op transposes where asked.
 * @example matmul(q, k, false, true) // [b, h, s, d]·[b, h, t, d] → [b, h, s, t]
 */
export const matmul = (a: Value, b: Value, transA = false, transB = false): Value =>
  apply1(matmulOp, [a, b], { transA, transB });

const splitMatmulOp = defineOp({
  name: "SplitMatMul",
  infer([x, w]) {
    const [pieces, part, n] = w!.shape as [number, number, number];
    if (w!.shape.length !== 3 || x!.shape.at(-1) !== pieces * part)
      throw new RangeError(`rows of ${x!.shape.at(-1)} do not fit the pieces ${showShape(w!.shape)}`);
    return [{ dtype: commonDType([x!, w!]), shape: [...x!.shape.slice(0, -1), n] }];
  },
  emit({ inputs: [x, w], outputs }, e) {
    const [pieces, part, n] = w!.shape as [number, number, number];
    const [rows, turned, products, sum, lead, shape] = ["rows", "turned", "products", "sum", "lead", "shape"].map(
      e.temp,
    );
    e.node("Reshape", [e.name(x), e.int64([-1, pieces, part])], [rows!]);
    e.node("Transpose", [rows!], [turned!], { perm: [1, 0, 2] });
    e.node("MatMul", [turned!, e.name(w)], [products!]);
    e.node("ReduceSum", [products!, e.int64([0])], [sum!], { keepdims: 0 });
    // The leading sizes are those of x; `Shape` reads them when the graph runs.
    e.node("Shape", [e.name(x)], [lead!], { start: 0, end: -1 });
    e.node("Concat", [lead!, e.int64([n])], [shape!], { axis: 0 });
    e.node("Reshape", [sum!, shape!], e.outputs(outputs));
  },
});
/**
 * x·W as the sum of partial products over slices of K ("split-K"), which fills a GPU when there are few outputs. x [..., pieces·part] ·
 * w [pieces, part, n] → [..., n]. Inference only.
 */
export const splitMatmul = (x: Value, w: Value): Value => apply1(splitMatmulOp, [x, w], {});

const leading = (shape: Shape): number[] => shape.slice(0, -1).map((_, i) => i);

/** [..., n] as [rows, n]. */
function asRows(x: Value): Value {
  if (x.shape.length === 2) return x;
  const lead = x.shape.slice(0, -1);
  const rows = lead.every((d) => typeof d === "number")
    ? lead.reduce<number>((n, d) => n * (d as number), 1)
    : lead.join("*");
  return reshape(x, [rows, x.shape.at(-1)!]);
}

export const linearOp = defineOp({
  name: "Linear",
  infer([x, w, bias]) {
    const [out, inner] = w!.shape;
    lastTwo(x!.shape, false);
    if (w!.shape.length !== 2 || x!.shape.at(-1) !== inner)
      throw new RangeError(
        `the weight ${showShape(w!.shape)} does not fit rows of ${x!.shape.at(-1)}: expected [out, in]`,
      );
    if (bias && (bias.shape.length !== 1 || bias.shape[0] !== out))
      throw new RangeError(`the bias ${showShape(bias.shape)} does not fit ${out} outputs`);
    return [{ dtype: commonDType([x!, w!]), shape: [...x!.shape.slice(0, -1), out!] }];
  },
  gradient({ inputs: [x, w, bias], grads: [g], needs }) {
    return [
      needs[0] ? matmul(g!, w!) : undefined,
      needs[1] ? matmul(asRows(g!), asRows(x!), true, false) : undefined,
      bias && needs[2] ? reduceSum(g!, leading(g!.shape)) : undefined,
    ];
  },
  emit({ inputs: [x, w, bias], outputs }, e) {
    const [y] = e.outputs(outputs);
    const product = bias ? e.temp("product") : y!;
    e.node("FusedMatMul", [e.name(x), e.name(w)], [product], { transA: 0, transB: 1 }, "com.microsoft");
    if (bias) e.node("Add", [product, e.name(bias)], [y!]);
  },
});
/** x·Wᵀ + bias: x [..., in], w [out, in], bias [out] or none → [..., out]. Kept as one op so that passes can rewrite it. */
export const linear = (x: Value, w: Value, bias?: Value): Value => apply1(linearOp, [x, w, bias], {});
