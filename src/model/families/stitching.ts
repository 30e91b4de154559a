/** @file Tiles joined without seams, as families with stitching plan them. */
import type { PictureLimits, PicturePlan } from "../../processor/core.ts";
import type { IssForm, ModelConfig, Stitching } from "../config.ts";
import { keptPatches } from "../connectors/stitched-adapter.ts";
import type { PictureSize } from "../family.ts";
import { tiledPlan } from "../pictures/tiles.ts";

/** Forms of implicit semantic stitching, and what each does. */
export const FORMS: Readonly<Record<IssForm, string>> = {
  stitch: "tiles overlap by an eighth, and what they share is left out: the picture is stitched without seams",
  trim: "an eighth is cut off each side of plain tiles",
  bilinear: "the grid of patches is resized to three quarters",
  native: "the tower reads tiles of three quarters of the side, and nothing is left out",
};

/** All forms, the likeliest first. */
export const ISS_FORMS = Object.keys(FORMS) as IssForm[];

/**
 * Tokens on a side of a tile.
 * @throws Error where pixel shuffle cannot halve the side
 */
export function stitchedGrid(vision: ModelConfig["vision"], stitching: Stitching): number {
  const { kept } = keptPatches(vision, stitching);
  if (stitching.pooling === "none") return kept;
  if (kept % 2 === 0) return kept / 2;
  throw new Error(
    `config.json: stitching.overlap ${stitching.overlap} leaves ${kept} patches on a side of a tile, and pooling "shuffle" takes two by two; expected an even number.`,
  );
}

/** Tiles of a picture. With form "stitch" they show their frame besides, whose patches the connector leaves out. */
export function stitchedPlan(config: ModelConfig, size: PictureSize, limits: PictureLimits): PicturePlan {
  const { vision, connector } = config;
  const stitching = connector.stitching!;
  const side = stitchedGrid(vision, stitching);
  const { margin } = keptPatches(vision, stitching);
  const frame = stitching.form === "stitch" ? margin * vision.patchSize : 0;
  const grid = { columns: side, rows: side, order: connector.tokenOrder };
  const filling = stitching.frame === "neighbour" ? undefined : stitching.frame;
  return tiledPlan(size, { core: vision.imageSize - 2 * frame, frame, grid, filling }, config.tiles!, limits);
}
