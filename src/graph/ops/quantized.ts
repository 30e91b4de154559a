/** @file Linear layers over quantised weights, each in the form that one of ONNX Runtime's kernels takes. Inference only. */

import { apply1, commonDType, defineOp } from "../op.ts";
import { elementCount, type Shape, showShape } from "../shape.ts";
import type { Emitter, TensorType, Value } from "../value.ts";

/** Sizes of a blockwise quantised weight [n, k]: every row is cut into blocks of `block` values that share a scale. */
export interface BlockwiseShape {
  readonly n: number;
  readonly k: number;
  readonly bits: 4 | 8;
  readonly block: number;
}

/** Sizes as attributes. */
export type BlockwiseAttrs = { readonly n: number; readonly k: number; readonly bits: 4 | 8; readonly block: number };

export function rowsOf(x: Value, k: number): Shape {
  if (x.dtype !== "float32") throw new TypeError(`the rows are ${x.dtype}, expected float32`);
  return leadOf(x, k);
}

function leadOf(x: Value, k: number): Shape {
  if (x.shape.at(-1) !== k) throw new RangeError(`rows of ${x.shape.at(-1)} do not fit a weight of ${k} inputs`);
  return x.shape.slice(0, -1);
}

export function checkCount(what: string, value: Value, expected: number): void {
  if (elementCount(value.shape) !== expected)
    throw new RangeError(`${what} ${showShape(value.shape)} hold ${elementCount(value.shape)}, expected ${expected}`);
}

export function checkBias(bias: Value | undefined, n: number): void {
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== n))
    throw new RangeError(`the bias ${showShape(bias.shape)} does not fit ${n} outputs`);
}

const matMulNBitsOp = defineOp<BlockwiseAttrs & { readonly accuracyLevel: number }>({
  name: "MatMulNBits",
  infer([x, w, scales, bias], { n, k, bits, block }): TensorType[] {
    const blocks = Math.ceil(k / block);
    const lead = leadOf(x!, k);
    const dtype = commonDType([x!, scales!]);
    checkCount("the packed weights", w!, (n * blocks * block * bits) / 8);
    checkCount("the scales", scales!, n * blocks);
    checkBias(bias, n);
    return [{ dtype, shape: [...lead, n] }];
  },
  emit({ inputs: [x, w, scales, bias], outputs, attrs: { n, k, bits, block, accuracyLevel } }, e) {
    const attrs = { K: k, N: n, bits, block_size: block, accuracy_level: accuracyLevel };
    const names = [e.name(x), e.name(w), e.name(scales), "", "", e.name(bias)];
    e.node("MatMulNBits", names, e.outputs(outputs), attrs, "com.microsoft");
  },
});
/**
 * x·Wᵀ + bias by ONNX Runtime's kernel. x [..., k] · w uint8 [n, blocks, block·bits/8] (value 2j of a block in the low
 * half of byte j; stored plus 8 or 128) · scales [n, blocks] of x's type, float32 or float16 → [..., n].
 * @param accuracyLevel 0: float32 arithmetic; 4: rows are rounded to int8 per block, several times faster
 */
export const matMulNBits = (
  x: Value,
  w: Value,
  scales: Value,
  bias: Value | undefined,
  { n, k, bits, block }: BlockwiseShape,
  accuracyLevel: 0 | 4 = 4,
): Value => apply1(matMulNBitsOp, [x, w, scales, bias], { n, k, bits, block, accuracyLevel });

/** Largest magnitude of a quantised activation; -128 stays unused, so that rounding is symmetric. */
const INT8_MAX = 127;
/** Rows of zeros get this scale instead of 0, by which nothing can be divided. */
const SMALLEST_SCALE = 1e-30;

/** x [rows, k] as int8 with one scale per row: names of the integers [rows, k] and of the scales [rows, 1]. */
function quantizeRows(rows: string, e: Emitter): { integers: string; scales: string } {
  const [size, largest, divided, scales, flat, integers] = ["abs", "max", "div", "scales", "flat", "int8"].map(e.temp);
  e.node("Abs", [rows], [size!]);
  e.node("ReduceMax", [size!, e.int64([1])], [largest!], { keepdims: 1 });
  e.node("Mul", [largest!, e.float32(1 / INT8_MAX)], [divided!]);
  e.node("Max", [divided!, e.float32(SMALLEST_SCALE)], [scales!]);
  e.node("Reshape", [scales!, e.int64([-1])], [flat!]);
  e.node("QuantizeLinear", [rows, flat!], [integers!], { axis: 0, output_dtype: 3 });
  return { integers: integers!, scales: scales! };
}

const int8LinearOp = defineOp<{ readonly n: number; readonly k: number }>({
  name: "Int8Linear",
  infer([x, w, scales, bias], { n, k }): TensorType[] {
    const lead = rowsOf(x!, k);
    if (w!.dtype !== "int8" || w!.shape[0] !== k || w!.shape[1] !== n)
      throw new RangeError(`the weight is ${w!.dtype}${showShape(w!.shape)}, expected int8[${k}, ${n}]`);
    checkCount("the scales", scales!, n);
    checkBias(bias, n);
    return [{ dtype: "float32", shape: [...lead, n] }];
  },
  emit({ inputs: [x, w, scales, bias], outputs, attrs: { n, k } }, e) {
    const flat = x!.shape.length === 2;
    const [y] = e.outputs(outputs);
    let rows = e.name(x);
    if (!flat) {
      rows = e.temp("rows");
      e.node("Reshape", [e.name(x), e.int64([-1, k])], [rows]);
    }
    const quantized = quantizeRows(rows, e);
    const product = e.temp("product");
    e.node(
      "MatMulIntegerToFloat",
      [quantized.integers, e.name(w), e.float32(1), e.name(scales)],
      [product],
      {},
      "com.microsoft",
    );
    const scaled = flat && !bias ? y! : e.temp("scaled");
    e.node("Mul", [product, quantized.scales], [scaled]);
    const shifted = bias ? (flat ? y! : e.temp("shifted")) : scaled;
    if (bias) e.node("Add", [scaled, e.name(bias)], [shifted]);
    if (flat) return;
    // The leading sizes are those of x; `Shape` reads them when the graph runs.
    const [lead, shape] = [e.temp("lead"), e.temp("shape")];
    e.node("Shape", [e.name(x)], [lead], { start: 0, end: -1 });
    e.node("Concat", [lead, e.int64([n])], [shape], { axis: 0 });
    e.node("Reshape", [shifted, shape], [y!]);
  },
});
/**
 * x·W + bias in int8: every row of x is rounded with a scale of its own, every column of w has one (LLM.int8's vector-wise
 * quantisation, Dettmers et al., arXiv 2208.07339). x [..., k] · w int8 [k, n] · scales float32 [n] → [..., n].
 */
export function int8Linear(x: Value, w: Value, scales: Value, bias?: Value): Value {
  const [k, n] = w.shape as [number, number];
  return apply1(int8LinearOp, [x, w, scales, bias], { n, k });
}
