/** @file The form of inference graphs that GPUs run: few and plain kernels, and float16 where wanted. */

import {
  add,
  addOp,
  addRmsNorm,
  type GraphOutputs,
  inPlaceOf,
  isOp,
  isResultOf,
  linearOp,
  matmul,
  type Node,
  type Rewritten,
  rewrite,
  rmsNormOp,
  sameShape,
  sourceName,
  splitMatmul,
  topologicalOrder,
  type UseOf,
  type Value,
  weight,
} from "../graph/index.ts";
import { inHalf } from "./in-half.ts";
import { madeOf, weightOf } from "./quantize/quantize-graph.ts";
import type { TransposedRecipe } from "./weights/recipes.ts";

/** Whether a value is a sum of two equal shapes: a residual, not a bias. */
const isResidual = (v: Value | undefined): v is Value =>
  isResultOf(v, addOp) && sameShape(v.node.inputs[0]!.shape, v.node.inputs[1]!.shape);

/**
 * Computes each residual sum and the RMSNorm that reads it as one op, which returns the sum for the next residual as well.
 * @example fuseResiduals(decoderGraph(config)).logits
 */
export function fuseResiduals<T extends GraphOutputs>(outputs: T): Rewritten<T> {
  /** The norm that reads a sum, by the sum. */
  const norms = new Map<Node, UseOf<{ epsilon: number }>>();
  for (const node of topologicalOrder(Object.values(outputs)))
    if (isOp(node, rmsNormOp) && isResidual(node.inputs[0])) norms.set(node.inputs[0].node, node);
  const normed = new Map<Node, Value>();
  return rewrite(outputs, (node, [a, b], now) => {
    const norm = norms.get(node);
    if (norm) {
      const [output, sum] = inPlaceOf(norm, () => addRmsNorm(a!, b!, now(norm.inputs[1]!), norm.attrs.epsilon));
      normed.set(norm, output!);
      return [sum!];
    }
    const output = normed.get(node);
    return output && [output, ...node.outputs.slice(1)];
  });
}

/** Ratio of inputs to outputs from which a product is split along K: it has too few outputs to fill a GPU (bench/NOTES.md). */
const NARROW = 2.5;
/** Numbers of slices of K, the largest first. */
const PIECES = [16, 8, 4, 2] as const;
/** Kernels read four numbers at a time: slices are a multiple of it. */
const VECTOR = 4;

/**
 * Writes the remaining linear layers as x·W + bias with W stored [in, out]. The product that transposes (FusedMatMul) exists
 * only on ONNX Runtime's CPU; on a GPU its operands would be copied to the CPU and back.
 * @example usePlainProducts(visionGraph(config)).features
 */
export const usePlainProducts = <T extends GraphOutputs>(outputs: T): Rewritten<T> =>
  rewrite(outputs, (node, [x, w, bias]) => {
    const stored = weightOf(w);
    if (!isOp(node, linearOp) || !stored) return undefined;
    const product = plainProduct(x!, stored, w!.shape as [number, number]);
    return [bias ? add(product, bias) : product];
  });

function plainProduct(x: Value, stored: Value, [n, k]: [number, number]): Value {
  const recipe: TransposedRecipe = { kind: "transposed", ...madeOf(stored), n, k };
  const matrix = (shape: number[]) => weight(`${sourceName(stored)}.transposed`, stored.dtype, shape, recipe);
  const pieces = k >= NARROW * n ? PIECES.find((count) => k % (count * VECTOR) === 0) : undefined;
  return pieces ? splitMatmul(x, matrix([pieces, k / pieces, n])) : matmul(x, matrix([k, n]));
}

/**
 * The graph in the form for GPU execution providers. With `half`, weights, activations and the KV cache are float16; pictures,
 * embeddings, features and logits stay float32.
 * @example inDeviceForm(visionGraph(config), true).features
 */
export function inDeviceForm(outputs: GraphOutputs, half: boolean): GraphOutputs {
  const plain = usePlainProducts(fuseResiduals(outputs));
  if (!half) return plain;
  return inHalf(plain, {
    inputs: (name) => name.startsWith("past."),
    outputs: (name) => name.startsWith("present."),
  });
}
