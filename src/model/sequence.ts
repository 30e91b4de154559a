/** @file The model over whole packed sequences, built from ops that have gradients: what both trainings start from. */

import {
  add,
  cast,
  constant,
  equal,
  gather,
  input,
  mul,
  not,
  reshape,
  scalar,
  scoped,
  type Value,
  where,
} from "../graph/index.ts";
import { adapter } from "./adapter.ts";
import { primitiveTowerAttend, sequenceAttend } from "./attend.ts";
import type { FlashVLConfig } from "./config.ts";
import { decoder } from "./decoder.ts";
import type { Parameters } from "./parameters.ts";
import { ropeTable } from "./rope.ts";
import { tower } from "./tower.ts";

/** Fixed sizes of one training graph. */
export interface SequenceShape {
  readonly images: number;
  readonly rows: number;
  readonly length: number;
}

/** Added to the score of a pair that must not look at each other; its softmax is exactly 0 in float32. */
const BLOCKED = -1e9;

/**
 * 0 where token t of a row may look at token u, BLOCKED or less elsewhere: [rows, 1, 1, length, length]. t sees u when both
 * are of one segment (one sample), u is not later, and u is in t's branch or in branch 0, the part all branches share.
 */
function attentionBias(segments: Value, branches: Value, { rows, length }: SequenceShape): Value {
  const column = (x: Value) => reshape(x, [rows, 1, 1, length, 1]);
  const row = (x: Value) => reshape(x, [rows, 1, 1, 1, length]);
  const blockedUnless = (allowed: Value) => mul(cast(not(allowed), "float32"), scalar(BLOCKED));
  const later = Uint8Array.from({ length: length * length }, (_, i) => +(i % length > Math.floor(i / length)));
  const notLater = where(constant(later, "bool", [length, length]), scalar(BLOCKED), scalar(0));
  const segment = blockedUnless(equal(column(segments), row(segments)));
  const shared = equal(row(branches), constant(Int32Array.of(0), "int32", []));
  const branch = where(shared, scalar(0), blockedUnless(equal(column(branches), row(branches))));
  return add(notLater, add(segment, branch));
}

/**
 * Pictures for training: input `pixels` float32 [images, 3, size, size] → what the tower sees, `patches` [images, patches,
 * vision hidden], and what the decoder gets, `tokens` [images, imageTokens, hidden].
 */
export function seenPictures(p: Parameters, config: FlashVLConfig, images: number): { patches: Value; tokens: Value } {
  const size = config.vision.imageSize;
  const pixels = input("pixels", "float32", [images, 3, size, size]);
  const patches = tower(p, config, pixels, primitiveTowerAttend(config.vision));
  return { patches, tokens: adapter(p, config, patches) };
}

/**
 * Hidden states [rows·length, hidden] of packed rows, after the final norm.
 *
 * Inputs: `token_ids` int64 [rows, length] (any valid id in picture slots) · `is_image` bool [rows, length, 1] ·
 * `image_rows` int64 [rows, length] (which of the images·imageTokens rows of `features` stands in the slot; 0 elsewhere) ·
 * `positions` int64 [rows, length], restarting with each sample · `segments` int32 [rows, length]: tokens see only their
 * own sample · `branches` int32 [rows, length]: several continuations (1, 2, …) of one shared beginning (0) do not see
 * each other, so one picture serves many questions.
 * @param features picture tokens [images, imageTokens, hidden], from `seenPictures` or an input
 */
export function sequenceHidden(p: Parameters, config: FlashVLConfig, shape: SequenceShape, features: Value): Value {
  const { rows, length } = shape;
  const c = config.decoder;
  const ids = input("token_ids", "int64", [rows, length]);
  const isImage = input("is_image", "bool", [rows, length, 1]);
  const imageRows = input("image_rows", "int64", [rows, length]);
  const positions = input("positions", "int64", [rows, length]);
  const segments = input("segments", "int32", [rows, length]);
  const branches = input("branches", "int32", [rows, length]);
  const { bias, cos, sin } = scoped("positions", () => {
    const table = (name: "cos" | "sin") =>
      constant(ropeTable({ kind: "rope", table: name, theta: c.ropeTheta }, length, c.headDim / 2), "float32", [
        length,
        c.headDim / 2,
      ]);
    return { bias: attentionBias(segments, branches, shape), cos: table("cos"), sin: table("sin") };
  });
  const embeds = scoped("embed", () => {
    const [images, tokens] = features.shape as [number, number];
    const flat = reshape(features, [images * tokens, c.hiddenSize]);
    return where(isImage, gather(flat, imageRows), gather(p.get("llm.model.embed_tokens.weight"), ids));
  });
  const hidden = decoder(p, config, embeds, sequenceAttend(c, { positions, bias, cos, sin }));
  return reshape(hidden, [rows * length, c.hiddenSize]);
}
