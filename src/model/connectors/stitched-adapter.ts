/** @file FlashVL's adapter behind implicit semantic stitching: the patches of a tile's frame are left out. */

import { constant, matmul, reshape, scoped, slice, type Value } from "../../graph/index.ts";
import type { ModelConfig, Stitching } from "../config.ts";
import { adapterLayers, adapterTensors } from "./adapter.ts";
import { type Connector, pixelShuffle } from "./connector.ts";

/** A tile's side in patches: of the tower, left out at each edge, and what is left. */
export interface KeptPatches {
  readonly grid: number;
  readonly margin: number;
  readonly kept: number;
}

/** How many patches of a tile the decoder gets; with form "native" nothing is left out. */
export function keptPatches({ imageSize, patchSize }: ModelConfig["vision"], stitching: Stitching): KeptPatches {
  const grid = imageSize / patchSize;
  const margin = stitching.form === "native" ? 0 : Math.floor(grid * stitching.overlap);
  return { grid, margin, kept: grid - 2 * margin };
}

/**
 * Weights of a bilinear resize of `from` to `to` places on one axis, [to, from], as torch's `interpolate` with
 * `align_corners=False` makes it.
 */
function resizeMatrix(from: number, to: number): Value {
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(from - 1, Math.floor(at));
    const high = Math.min(from - 1, low + 1);
    weights[i * from + low]! += 1 - (at - low);
    weights[i * from + high]! += at - low;
  }
  return constant(weights, "float32", [to, from]);
}

/** Patches [n, grid², c] → [n, kept², c]. */
function keep(x: Value, { vision }: ModelConfig, stitching: Stitching): Value {
  const { grid, margin, kept } = keptPatches(vision, stitching);
  if (margin === 0) return x;
  const [n, , channels] = x.shape as [number | string, number, number];
  if (stitching.form !== "bilinear") {
    const square = reshape(x, [n, grid, grid, channels]);
    const trimmed = slice(slice(square, 1, margin, margin + kept), 2, margin, margin + kept);
    return reshape(trimmed, [n, kept * kept, channels]);
  }
  const resize = resizeMatrix(grid, kept);
  const rows = reshape(matmul(resize, reshape(x, [n, grid, grid * channels])), [n, kept, grid, channels]);
  const columns = matmul(resize, rows); // [n, kept, kept, channels]
  return reshape(columns, [n, kept * kept, channels]);
}

/** The adapter reads what is kept: single patches, or where it pools four each. */
export const stitchedAdapter: Connector = {
  tensors: (config) =>
    adapterTensors(config, (config.connector.stitching!.pooling === "shuffle" ? 4 : 1) * config.vision.hiddenSize),
  build: (p, config, x) =>
    scoped("adapter", () => {
      const { stitching, tokenOrder } = config.connector;
      const kept = keep(x, config, stitching!);
      if (stitching!.pooling === "none") return adapterLayers(p, kept);
      const side = keptPatches(config.vision, stitching!).kept;
      return adapterLayers(p, pixelShuffle(kept, side, config.vision.hiddenSize, tokenOrder));
    }),
};
