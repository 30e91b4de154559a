/** @file How the bytes of quantised weights are made from the checkpoint's tensors; `weight-bytes.ts` follows them. */
import type { BlockwiseScheme } from "../quantize/scheme.ts";

/** Order of the integers: ONNX Runtime's, or the panels of the native kernel. */
export type BlockwiseLayoutName = "nbits" | "panels";

/** Rows of one or more tensors [n_i, k], concatenated in the graph's weight. */
interface FromTensors {
  readonly sources: readonly string[];
  /** A tensor with a factor for each row, by which they are multiplied. */
  readonly rowFactors?: string;
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

/** Concatenated tensors. */
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
