/** @file The adapter: pixel shuffle turns four patches into one token, two layers fit it to the decoder. */

import { gelu, layerNorm, linear, reshape, scoped, transpose, type Value } from "../graph/index.ts";
import type { FlashVLConfig } from "./config.ts";
import type { Parameters } from "./parameters.ts";

/** torch.nn.LayerNorm's default, which the published adapter does not change. */
const EPSILON = 1e-5;

/**
 * Patches [n, h·w, c] → tokens [n, h·w/4, 4c]: the channels of a 2×2 block side by side, row by row within the block.
 * "row-major" lets the tokens run along the rows (InternVL's pixel_shuffle "v2"), "column-major" down the columns ("v1").
 */
function pixelShuffle(x: Value, grid: number, channels: number, order: FlashVLConfig["pixelShuffle"]): Value {
  const n = x.shape[0]!;
  const half = grid / 2;
  const blocks = reshape(x, [n, half, 2, half, 2, channels]); // [n, i, di, j, dj, c]
  const perm = order === "row-major" ? [0, 1, 3, 2, 4, 5] : [0, 3, 1, 2, 4, 5];
  return reshape(transpose(blocks, perm), [n, half * half, 4 * channels]);
}

/** Tower output [n, patches, vision hidden] → picture tokens [n, imageTokens, decoder hidden]. */
export function adapter(p: Parameters, c: FlashVLConfig, x: Value): Value {
  const dense = (name: string, v: Value) => linear(v, p.get(`${name}.weight`), p.get(`${name}.bias`));
  return scoped("adapter", () => {
    const tokens = pixelShuffle(x, c.vision.imageSize / c.vision.patchSize, c.vision.hiddenSize, c.pixelShuffle);
    const normed = layerNorm(tokens, p.get("adp.p0.0.weight"), p.get("adp.p0.0.bias"), EPSILON);
    return dense("adp.proj", gelu(dense("adp.p0.3", gelu(dense("adp.p0.1", normed)))));
  });
}
