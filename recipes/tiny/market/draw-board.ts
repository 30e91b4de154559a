/** @file Draws one seeded market picture, with the truth about it and labels for each half patch. */

import type { RgbImage } from "flashvl/processor";
import { type Board, filledCells } from "./board.ts";
import { drawOtherPicture, drawPlainPicture } from "./draw-other-pictures.ts";
import { drawPriceBoard } from "./draw-price-board.ts";
import { drawWideBoard } from "./draw-wide-board.ts";
import { blur, compress, develop, drawLight, pickPerspective } from "./finish.ts";
import { createMarks, VIEW } from "./marks.ts";
import type { Outline } from "./outline.ts";
import { createRandom } from "./random.ts";
import { type SampleBoardOptions, sampleBoard } from "./sample-board.ts";
import { checkSeed, type Split, worldOf } from "./splits.ts";
import { collectionOf, openStudio } from "./studio.ts";

export interface DrawBoardOptions extends SampleBoardOptions {
  /** Which art and fonts may be used; the seed must belong to it. Default "train". */
  split?: Split;
  /** Size in pixels. Default 256 x 256, the model's view: other shapes are drawn as the model's resize would squash them. */
  width?: number;
  height?: number;
  /** False leaves out everything that makes the picture look photographed. Default true. */
  worn?: boolean;
}

/** Pictures larger than this are drawn from larger icons. */
const LARGE = 384;

export interface DrawnBoard {
  image: RgbImage;
  board: Board;
  /** Indices into `patchClasses`, `[16, 16, 3]`: row and column of the patch of a 256-pixel view; its left half, right half and place. */
  patchLabels: Uint8Array;
  /** Outlines of everything labelled, in view pixels: for looking at, not for training. */
  outlines(): Outline[];
}

/**
 * Draws a market picture. The same seed and options give the same picture on the same machine.
 * @throws RangeError for a seed outside the split's range or a grid that is too large
 * @throws Error saying what to install when the drawing packages are missing
 * @example const { image, board } = await drawBoard(7, { rows: 2, columns: 3 });
 */
export async function drawBoard(seed: number, options: DrawBoardOptions = {}): Promise<DrawnBoard> {
  const { split = "train", width = VIEW, height = VIEW, worn = true } = options;
  checkSeed(seed, split);
  const world = worldOf(split, options.world);
  const board = sampleBoard(seed, { thousands: split !== "plain-system", ...options, world });
  const size = Math.max(width, height) > LARGE ? "large" : "small";
  const studio = await openStudio(size, collectionOf(split, world));
  // Other things are drawn from the same sets in both worlds.
  await studio.art.prepare(drawnNames(board), split, board.scene === "board" ? world : undefined);
  const random = createRandom(seed, 2);
  const canvas = studio.library.createCanvas(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "medium";
  const [scaleX, scaleY] = [width / VIEW, height / VIEW];
  context.scale(scaleX, scaleY);
  const marks = createMarks(scaleX, scaleY);
  // A user's picture of any shape is squashed to a square: draw as if this one had been.
  const stretch =
    width === VIEW && height === VIEW
      ? random.weighted([
          [1, 2],
          [random.between(0.64, 1.3), 3],
        ])
      : height / width;
  if (worn && random.chance(0.5)) tilt(context, random.between(-0.05, 0.05));
  const drawPrices = world === "wide" ? drawWideBoard : drawPriceBoard;
  if (board.scene === "board") drawPrices(context, marks, random, studio, board, split, stretch);
  else if (board.scene === "plain") drawPlainPicture(context, marks, random, studio, board, split);
  else drawOtherPicture(context, marks, random, studio, board, split, stretch);
  let perspective: ReturnType<typeof pickPerspective>;
  if (worn) {
    drawLight(canvas, random);
    blur(canvas, random, studio.library);
    perspective = pickPerspective(random);
  }
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = worn
    ? await compress(develop(rgba, width, height, random, perspective), width, height, random)
    : withoutAlpha(rgba);
  const warp = perspective?.forward;
  return {
    image: { data, width, height },
    board,
    patchLabels: marks.labels(warp),
    outlines: () => marks.outlines(warp),
  };
}

/** Rotates around the middle and shrinks so that the corners of the content stay inside. */
function tilt(
  context: { translate(x: number, y: number): void; rotate(angle: number): void; scale(x: number, y: number): void },
  angle: number,
): void {
  const shrink = 1 / (Math.abs(Math.cos(angle)) + Math.abs(Math.sin(angle)));
  context.translate(VIEW / 2, VIEW / 2);
  context.rotate(angle);
  context.scale(shrink, shrink);
  context.translate(-VIEW / 2, -VIEW / 2);
}

function withoutAlpha(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let i = 0, o = 0; i < rgba.length; i += 4, o += 3) rgb.set(rgba.subarray(i, i + 3), o);
  return rgb;
}

/** What the board shows, by label name. */
function drawnNames(board: Board): string[] {
  if (board.scene === "board") return filledCells(board).map((cell) => `kind:${cell.kind}`);
  return board.scene === "other" && board.thing ? [`thing:${board.thing}`] : [];
}
