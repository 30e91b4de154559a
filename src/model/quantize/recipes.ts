/** @file How the bytes of quantised weights are made from the checkpoint's tensors; `weight-bytes.ts` follows them. */
import type { BlockwiseScheme } from "./scheme.ts";

/** Where the integers lie: in ONNX Runtime's order, or in the native kernel's panels. */
export type BlockwiseLayoutName = "nbits" | "panels";

/** Rows of one or more tensors [n_i, k] that stand one after the other in the graph's weight. */
interface FromTensors {
  readonly sources: readonly string[];
}

/** Integers or scales of a blockwise weight. Both come out of one reading of the sources. */
export interface BlockwiseRecipe extends FromTensors, Omit<BlockwiseScheme, "kind"> {
  readonly kind: "blockwise";
  readonly part: "values" | "scales";
  readonly layout: BlockwiseLayoutName;
  readonly n: number;
  readonly k: number;
}

/** int8 columns [k, n] or their scales [n]. */
export interface ColumnsRecipe extends FromTensors {
  readonly kind: "columns";
  readonly part: "values" | "scales";
  readonly n: number;
  readonly k: number;
}

/** Tensors one after the other. */
export interface ConcatRecipe extends FromTensors {
  readonly kind: "concat";
}

/** A matrix [n, k], of one or more tensors one after the other, stored as [k, n]: the order in which GPUs read it fastest. */
export interface TransposedRecipe extends FromTensors {
  readonly kind: "transposed";
  readonly n: number;
  readonly k: number;
}

export type QuantizedRecipe = BlockwiseRecipe | ColumnsRecipe;
