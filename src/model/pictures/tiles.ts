/** @file Which tiles a picture is cut into: InternVL's rule. */

import {
  type Canvas,
  type FrameFilling,
  type PictureLimits,
  type PicturePlan,
  picturePlan,
  square,
} from "../../processor/core.ts";
import type { TileLimits } from "../config.ts";
import type { PictureSize } from "../family.ts";

/** Columns and rows of tiles. */
export interface TileGrid {
  readonly columns: number;
  readonly rows: number;
}

/**
 * The grid of `least` to `most` tiles whose shape is nearest to the picture's. Of two that are equally near, the one with more
 * tiles is taken if the picture has more than half its pixels (OpenGVLab/InternVL, internvl/train/dataset.py).
 * @param side of a tile in pixels
 * @example tileGrid({ width: 800, height: 600 }, 448, 1, 12) // { columns: 4, rows: 3 }
 */
export function tileGrid({ width, height }: PictureSize, side: number, least: number, most: number): TileGrid {
  const shape = width / height;
  let best: TileGrid = { columns: 1, rows: 1 };
  let nearest = Number.POSITIVE_INFINITY;
  for (let tiles = least; tiles <= most; tiles++)
    for (let columns = 1; columns <= tiles; columns++) {
      if (tiles % columns !== 0) continue;
      const rows = tiles / columns;
      const distance = Math.abs(shape - columns / rows);
      const larger = distance === nearest && width * height > 0.5 * side * side * tiles;
      if (distance < nearest || larger) best = { columns, rows };
      nearest = Math.min(nearest, distance);
    }
  return best;
}

/** What a family's tiles are. */
export interface TileShape {
  /** Side of the part of a tile that no other tile shows. */
  readonly core: number;
  /** Pixels around that part, on each side. */
  readonly frame: number;
  readonly filling?: FrameFilling;
  /** Tokens of a tile. */
  readonly grid: PicturePlan["grid"];
}

/** Tiles row by row, and where there are several and it is wanted the whole picture as one more, last. */
export function tiledPlan(
  size: PictureSize,
  { core, frame, filling, grid }: TileShape,
  own: TileLimits,
  { maxTiles = own.most, thumbnail = own.thumbnail }: PictureLimits,
): PicturePlan {
  const { columns, rows } = tileGrid(size, core, Math.min(own.least, maxTiles), maxTiles);
  const framed = { frame, ...(filling && { filling }) };
  const tiles: Canvas = { width: columns * core, height: rows * core, columns, rows, ...framed };
  const whole: Canvas = { ...square(core), ...framed };
  return picturePlan(thumbnail && columns * rows > 1 ? [tiles, whole] : [tiles], grid);
}
