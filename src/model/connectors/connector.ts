/** @file What a connector is, and pixel shuffle, with which most of them begin. */

import { reshape, transpose, type Value } from "../../graph/index.ts";
import type { TokenOrder } from "../../processor/core.ts";
import type { ModelConfig } from "../config.ts";
import type { Parameters, Tensor } from "../parameters.ts";

/** From what the tower sees to what the decoder reads. */
export interface Connector {
  tensors(config: ModelConfig): Tensor[];
  /** Tower output [n, patches, vision hidden] → tokens [n, tokens, decoder hidden]. */
  build(p: Parameters, config: ModelConfig, x: Value): Value;
}

/** torch.nn.LayerNorm's default, which no published connector changes. */
export const CONNECTOR_EPSILON = 1e-5;

/**
 * Patches [n, h·w, c] → tokens [n, h·w/4, 4c]: the channels of a 2×2 block side by side, row by row within the block.
 * "row-major" lets the tokens run along the rows (InternVL's pixel_shuffle "v2"), "column-major" down the columns ("v1").
 */
export function pixelShuffle(x: Value, grid: number, channels: number, order: TokenOrder): Value {
  const n = x.shape[0]!;
  const half = grid / 2;
  const blocks = reshape(x, [n, half, 2, half, 2, channels]); // [n, i, di, j, dj, c]
  const perm = order === "row-major" ? [0, 1, 3, 2, 4, 5] : [0, 3, 1, 2, 4, 5];
  return reshape(transpose(blocks, perm), [n, half * half, 4 * channels]);
}
