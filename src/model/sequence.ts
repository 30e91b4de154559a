/** @file The model over whole packed sequences, built from ops that have gradients: what both trainings start from. */

import { constant, gather, input, reshape, scoped, type Value, where } from "../graph/index.ts";
import { type OnAttend, sequenceAttend, trainedTowerAttend } from "./attend.ts";
import type { ModelConfig } from "./config.ts";
import { decoder, embeddings } from "./decoders/qwen.ts";
import { connect, tower } from "./families/index.ts";
import type { Parameters } from "./parameters.ts";
import { ropeTable } from "./rope.ts";

/** Fixed sizes of one training graph. */
export interface SequenceShape {
  readonly images: number;
  readonly rows: number;
  readonly length: number;
}

/**
 * Pictures for training: input `pixels` float32 [images, 3, size, size] → what the tower sees, `patches` [images, patches,
 * vision hidden], and what the decoder gets, `tokens` [images, windowTokens, hidden].
 */
export function seenPictures(p: Parameters, config: ModelConfig, images: number): { patches: Value; tokens: Value } {
  const size = config.vision.imageSize;
  const pixels = input("pixels", "float32", [images, 3, size, size]);
  const patches = tower(p, config, pixels, trainedTowerAttend(config.vision));
  return { patches, tokens: connect(p, config, patches) };
}

/**
 * Hidden states [rows·length, hidden] of packed rows, after the final norm.
 *
 * Inputs: `token_ids` int64 [rows, length] (any valid id in picture slots) · `is_image` bool [rows, length, 1] ·
 * `image_rows` int64 [rows, length] (which of the images·windowTokens rows of `features` stands in the slot; 0 elsewhere) ·
 * `positions` int64 [rows, length], restarting with each sample · `segments` int32 [rows, length]: tokens see only their
 * own sample · `branches` int32 [rows, length]: several continuations (1, 2, …) of one shared beginning (0) do not see
 * each other, so one picture serves many questions.
 * @param features picture tokens [images, windowTokens, hidden], from `seenPictures` or an input
 * @param onAttend told of each layer's queries and keys
 */
export function sequenceHidden(
  p: Parameters,
  config: ModelConfig,
  shape: SequenceShape,
  features: Value,
  onAttend?: OnAttend,
): Value {
  const { rows, length } = shape;
  const c = config.decoder;
  const ids = input("token_ids", "int64", [rows, length]);
  const isImage = input("is_image", "bool", [rows, length, 1]);
  const imageRows = input("image_rows", "int64", [rows, length]);
  const positions = input("positions", "int64", [rows, length]);
  const segments = input("segments", "int32", [rows, length]);
  const branches = input("branches", "int32", [rows, length]);
  const { cos, sin } = scoped("positions", () => {
    const table = (name: "cos" | "sin") =>
      constant(ropeTable({ kind: "rope", table: name, theta: c.ropeTheta }, length, c.headDim / 2), "float32", [
        length,
        c.headDim / 2,
      ]);
    return { cos: table("cos"), sin: table("sin") };
  });
  const embeds = scoped("embed", () => {
    const [images, tokens] = features.shape as [number, number];
    const flat = reshape(features, [images * tokens, c.hiddenSize]);
    return where(isImage, gather(flat, imageRows), gather(embeddings(p), ids));
  });
  const hidden = decoder(p, config, embeds, sequenceAttend(c, { positions, segments, branches, cos, sin }, onAttend));
  return reshape(hidden, [rows * length, c.hiddenSize]);
}
