/** @file Which tokens of a picture show a part of it, whatever it is cut into. */

import type { PicturePlan } from "flashvl/processor";

/** A part of a picture, in parts of its width and height. */
export interface Part {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How much of [start, start + length] lies in [from, to]. */
const overlap = (start: number, length: number, from: number, to: number): number =>
  Math.max(0, Math.min(start + length, to) - Math.max(start, from));

/**
 * Tokens of the picture's first canvas that show `part`, by their number among the picture's tokens, each with the share of
 * its square that does.
 * @example tokensShowing(planPicture(config, image), { x: 0, y: 0, width: 0.1, height: 0.1 })
 */
export function tokensShowing({ canvases, grid }: PicturePlan, part: Part): Map<number, number> {
  const { columns, rows } = canvases[0]!;
  const [across, down] = [columns * grid.columns, rows * grid.rows];
  const tokens = new Map<number, number>();
  for (let y = Math.floor(part.y * down); y < Math.min(down, (part.y + part.height) * down); y++)
    for (let x = Math.floor(part.x * across); x < Math.min(across, (part.x + part.width) * across); x++) {
      const share =
        overlap(part.x * across, part.width * across, x, x + 1) * overlap(part.y * down, part.height * down, y, y + 1);
      if (share <= 0) continue;
      const tile = Math.floor(y / grid.rows) * columns + Math.floor(x / grid.columns);
      const [row, column] = [y % grid.rows, x % grid.columns];
      const inTile = grid.order === "row-major" ? row * grid.columns + column : column * grid.rows + row;
      tokens.set(tile * grid.columns * grid.rows + inTile, share);
    }
  return tokens;
}
