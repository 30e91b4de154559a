/** @file What a vision tower is, and what all towers share. */

import { linear, reshape, transpose, type Value } from "../../graph/index.ts";
import type { Attend } from "../attend.ts";
import type { VisionConfig } from "../config.ts";
import type { Parameters, Tensor } from "../parameters.ts";

/** Squares of pixels to one vector per patch. */
export interface Tower {
  tensors(config: VisionConfig): Tensor[];
  /** pixels float32 [n, 3, size, size] → [n, patches, hidden], patches row by row. */
  build(p: Parameters, config: VisionConfig, pixels: Value, attend: Attend): Value;
}

/** Pixels [n, 3, size, size] as one row per patch [n, patches, 3·patch²], patches row by row. */
function patches(pixels: Value, { imageSize, patchSize }: VisionConfig): Value {
  const n = pixels.shape[0]!;
  const grid = imageSize / patchSize;
  const split = reshape(pixels, [n, 3, grid, patchSize, grid, patchSize]);
  return reshape(transpose(split, [0, 2, 4, 1, 3, 5]), [n, grid * grid, 3 * patchSize * patchSize]);
}

/** A convolution of stride and size one patch, written as a linear layer: [n, patches, hidden]. */
export function embedPatches(config: VisionConfig, pixels: Value, kernel: Value, bias: Value): Value {
  const flat = reshape(kernel, [config.hiddenSize, 3 * config.patchSize ** 2]);
  return linear(patches(pixels, config), flat, bias);
}
