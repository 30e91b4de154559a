/** @file Quantises a run of rows of a weight: a pure function that several threads can run in parallel. */

import { floatToHalf, toF32 } from "../../common/index.ts";
import { quantizeWithFeedback } from "./error-feedback.ts";
import { packBlockwiseScales, packBlockwiseValues, packNBits } from "./pack-blockwise.ts";
import { quantizeBlocks, quantizeRowsInt8 } from "./quantize-blocks.ts";
import type { BlockwiseLayoutName } from "./recipes.ts";

/** Rows as stored in the checkpoint, and the form to quantise them to. */
export interface RowJob {
  readonly bytes: Uint8Array;
  /** Element type of `bytes`: BF16, F16 or F32. */
  readonly dtype: string;
  readonly k: number;
  /** From calibration (`feedbackFactor`): blockwise rounding feeds its errors back. */
  readonly factor?: Float64Array;
  readonly to:
    | { readonly kind: "blockwise"; readonly bits: 4 | 8; readonly block: number; readonly layout: BlockwiseLayoutName }
    | { readonly kind: "rows" };
}

/** Packed integers and scales of a run of rows. */
export interface RowResult {
  readonly values: Uint8Array;
  readonly scales: Uint8Array;
}

const bytesOf = (data: Float32Array | Uint16Array | Int8Array): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/**
 * Quantises whole rows. In panels the scales are float16, and all runs but the last must be a multiple of 16 rows; in
 * ONNX Runtime's order they are float32.
 * @throws RangeError when a number is not finite
 */
export function quantizeRows({ bytes, dtype, k, to, factor }: RowJob): RowResult {
  const rows = toF32(bytes, dtype);
  if (to.kind === "rows") {
    const { levels, scales } = quantizeRowsInt8(rows, k);
    return { values: bytesOf(levels), scales: bytesOf(scales) };
  }
  const { bits, block, layout } = to;
  const half = layout === "panels";
  const rounding = { bits, block, half };
  const { levels, scales } = factor
    ? quantizeWithFeedback(rows, k, rounding, factor)
    : quantizeBlocks(rows, k, rounding);
  if (!half) return { values: packNBits(levels, k, bits, block), scales: bytesOf(scales) };
  const matrix = { n: rows.length / k, k, bits, block };
  return {
    values: packBlockwiseValues({ ...matrix, levels }),
    scales: bytesOf(packBlockwiseScales(matrix, Uint16Array.from(scales, floatToHalf))),
  };
}
