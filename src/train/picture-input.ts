/** @file What stands for pictures in a training graph: their pixels, or what a tower that is not trained has made of them already. */

import { input, type Value } from "../graph/index.ts";
import { type ModelConfig, type parametersOf, seenPictures } from "../model/index.ts";
import { PICTURE_TOKENS } from "./data/batches.ts";

export type PictureInput = "pixels" | "tokens";

/** The parts whose training changes what the model makes of a picture. */
export const SEEING_PARTS = ["tower", "adapter"] as const;

/**
 * What an update is given of pictures. Where neither tower nor adapter is trained, their tokens are made once: policy and reference
 * see the same ones, and no tower runs a second and a third time.
 */
export const pictureInput = ({ train = [] }: { readonly train?: readonly string[] }): PictureInput =>
  train.some((part) => (SEEING_PARTS as readonly string[]).includes(part)) ? "pixels" : "tokens";

/** Picture tokens [images, windowTokens, hidden], made of the input `pixels` or given as the input `PICTURE_TOKENS`. */
export const pictureFeatures = (
  p: ReturnType<typeof parametersOf>,
  config: ModelConfig,
  images: number,
  pictures: PictureInput = "pixels",
): Value =>
  pictures === "tokens"
    ? input(PICTURE_TOKENS, "float32", [images, config.windowTokens, config.decoder.hiddenSize])
    : seenPictures(p, config, images).tokens;
