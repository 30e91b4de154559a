/** @file From the pictures of a request to what the model will make of them, known from their headers alone. */
import { type ModelConfig, planPicture } from "../model/index.ts";
import type { ImagePart, OpenedImage, PictureLimits, PicturePlan } from "../processor/core.ts";
import type { PictureReader } from "./engine-parts.ts";

/** A picture whose pixels are not decoded yet. */
export interface PlannedPicture {
  image: OpenedImage;
  plan: PicturePlan;
}

/**
 * Opens pictures in order and plans each.
 * @throws InputError for one that cannot be read, or the signal's reason
 * @example (await planPictures(openImage, config, [{ image: "board.png" }], {}))[0]!.plan.tokens // 256
 */
export async function planPictures(
  open: PictureReader["open"],
  config: ModelConfig,
  parts: readonly Pick<ImagePart, "image" | "maxTiles">[],
  limits: PictureLimits,
  signal?: AbortSignal,
): Promise<PlannedPicture[]> {
  const planned: PlannedPicture[] = [];
  for (const { image: input, maxTiles } of parts) {
    const image = await open(input, { signal });
    planned.push({
      image,
      plan: planPicture(config, image, { ...limits, maxTiles: fewest(maxTiles, limits.maxTiles) }),
    });
  }
  return planned;
}

/** The smaller of two limits, either of which may be absent. */
const fewest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** Tokens of all pictures together. */
export const picturesTokens = (pictures: readonly PlannedPicture[]): number =>
  pictures.reduce((sum, { plan }) => sum + plan.tokens, 0);
