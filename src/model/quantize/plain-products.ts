/** @file The pass that writes linear layers as plain products, which every execution provider has, in forms that suit GPUs. */
import {
  add,
  linearOp,
  matmul,
  rewrite,
  scoped,
  sourceName,
  splitMatmul,
  type Value,
  weight,
} from "../../graph/index.ts";
import type { GraphOutputs } from "../inference-graphs.ts";
import { weightOf } from "./quantize-graph.ts";
import type { ConcatRecipe, TransposedRecipe } from "./recipes.ts";

/** From this many times more inputs than outputs, a product is cut: it has too few outputs to fill a GPU (bench/NOTES.md). */
const NARROW = 2.5;
/** Pieces, the most first. */
const PIECES = [16, 8, 4, 2] as const;
/** Kernels read four numbers at a time. */
const VECTOR = 4;

/**
 * Every linear layer that is still one as x·W + bias with W stored [in, out]. ONNX Runtime's CPU has a product that
 * transposes (FusedMatMul), GPUs do not: they would send its operands to the CPU and back.
 * @example usePlainProducts(visionGraph(config)).features
 */
export function usePlainProducts(outputs: GraphOutputs): GraphOutputs {
  const names = Object.keys(outputs);
  const values = rewrite(Object.values(outputs), (node, [x, w, bias]) => {
    const stored = weightOf(w);
    if (node.op.name !== linearOp.name || !stored) return undefined;
    return scoped(node.scope, () => {
      const product = plainProduct(x!, stored, w!.shape as [number, number]);
      return [bias ? add(product, bias) : product];
    });
  });
  return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
}

function plainProduct(x: Value, stored: Value, [n, k]: [number, number]): Value {
  const sources = (stored.node.attrs.recipe as ConcatRecipe | undefined)?.sources ?? [sourceName(stored)];
  const recipe: TransposedRecipe = { kind: "transposed", sources, n, k };
  const matrix = (shape: number[]) => weight(`${sourceName(stored)}.transposed`, stored.dtype, shape, recipe);
  const pieces = k >= NARROW * n ? PIECES.find((count) => k % (count * VECTOR) === 0) : undefined;
  return pieces ? splitMatmul(x, matrix([pieces, k / pieces, n])) : matmul(x, matrix([k, n]));
}
