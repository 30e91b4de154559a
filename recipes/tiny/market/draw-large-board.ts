/** @file Draws a large board in pixels of 900 to 2000 a side, and tells where the writing of each cell stands. */

import { tileGrid } from "flashvl/model";
import type { RgbImage } from "flashvl/processor";
import type { PriceBoard } from "./board.ts";
import type { Context } from "./canvas.ts";
import { css, type Hsl } from "./draw-background.ts";
import { drawGoods, type Rectangle } from "./draw-goods.ts";
import { type Arrangement, divide, drawWideTag, pickPage } from "./draw-wide-board.ts";
import { blur, compress, develop, drawLight } from "./finish.ts";
import { type Marks, VIEW } from "./marks.ts";
import { createRandom } from "./random.ts";
import { sampleLargeBoard } from "./sample-large-board.ts";
import { checkSeed, type Split } from "./splits.ts";
import { openStudio, pickFace } from "./studio.ts";
import { pickWideTags } from "./wide-tags.ts";

export interface DrawnLargeBoard {
  image: RgbImage;
  board: PriceBoard;
  /** Where each cell is, in parts of the picture's width and height. */
  cells: Rectangle[];
  /** Where its writing (name and price) is. */
  writing: Rectangle[];
}

/** Width and height in pixels: cells somewhat wider than high, sides of 900 to 2000. */
const SIDE = { least: 900, most: 2000 };
/** Tiles of the model's view that boards are drawn to be legible in. */
const TILES = 6;

const clamp = (value: number) => Math.round(Math.min(SIDE.most, Math.max(SIDE.least, value)));

/** Marks that remember only where characters stand, for the cell that was named last. */
function writingMarks(width: number, height: number): Marks & { cells: Rectangle[] } {
  const corners: [number, number][][] = [];
  return {
    get cells() {
      return corners.map((points) => {
        const [xs, ys] = [points.map(([x]) => x / width), points.map(([, y]) => y / height)];
        const [x, y] = [Math.min(...xs), Math.min(...ys)];
        return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
      });
    },
    place: () => corners.push([]),
    box(context: Context, label, x, y, boxWidth, boxHeight) {
      if (label === 0) return;
      const { a, b, c, d, e, f } = context.getTransform();
      for (const [px, py] of [
        [x, y],
        [x + boxWidth, y],
        [x, y + boxHeight],
        [x + boxWidth, y + boxHeight],
      ] as const)
        corners.at(-1)!.push([a * px + c * py + e, b * px + d * py + f]);
    },
    ellipse: () => {},
    labels: () => new Uint8Array(0),
    outlines: () => [],
  };
}

/**
 * Draws a large board. The same seed gives the same picture on the same machine.
 * @throws RangeError for a seed outside the split's range
 * @example const { image, writing } = await drawLargeBoard(7);
 */
export async function drawLargeBoard(seed: number, split: Split = "train"): Promise<DrawnLargeBoard> {
  checkSeed(seed, split);
  const board = sampleLargeBoard(seed);
  const { art, fonts, library } = await openStudio("large", "wide");
  await art.prepare([...new Set(board.cells.map(({ kind }) => `kind:${kind}`))], split, "wide");
  const random = createRandom(seed, 12);
  const width = random.integer(SIDE.least, SIDE.most);
  const height = clamp((width * board.rows * random.between(0.7, 1.1)) / board.columns);
  // The view in which letters have to be legible: the squares that tiles become.
  const grid = tileGrid({ width, height }, VIEW, 1, TILES);
  const [across, down] = [grid.columns * VIEW, grid.rows * VIEW];
  const stretch = (height / width) * (across / down);
  const canvas = library.createCanvas(width, height);
  const context = canvas.getContext("2d");
  context.scale(width / across, height / down);
  const page = pickPage(random);
  context.fillStyle = css(page);
  context.fillRect(0, 0, across, down);
  const style = pickWideTags(random, board, pickFace({ art, fonts, library }, random, split), page[2]);
  Object.assign(style, { share: random.between(0.25, 0.42), turn: Math.min(style.turn, 0.03) });
  // Pages have uneven margins, so that any cell may lie on a border of tiles.
  const [left, right, top, bottom] = [across, across, down, down].map((side) => random.between(2, 0.1 * side));
  const gap = random.between(1, 5);
  const arrangement = random.weighted<Arrangement>([
    ["below", 6],
    ["above", 2],
  ]);
  const cards = random.chance(0.35);
  const card: Hsl = [page[0], page[1], page[2] > 50 ? random.between(90, 100) : random.between(6, 22)];
  const marks = writingMarks(width, height);
  const cells: Rectangle[] = [];
  const cellWidth = (across - left! - right!) / board.columns;
  const cellHeight = (down - top! - bottom!) / board.rows;
  for (const cell of board.cells) {
    const bounds: Rectangle = {
      x: left! + (cell.column - 1) * cellWidth + gap / 2,
      y: top! + (cell.row - 1) * cellHeight + gap / 2,
      width: cellWidth - gap,
      height: cellHeight - gap,
    };
    cells.push({
      x: bounds.x / across,
      y: bounds.y / down,
      width: bounds.width / across,
      height: bounds.height / down,
    });
    marks.place(context, 0, bounds.x, bounds.y, bounds.width, bounds.height);
    if (cards) {
      context.fillStyle = css(card);
      context.fillRect(bounds.x, bounds.y, bounds.width, bounds.height);
    }
    const rooms = divide(bounds, arrangement, style.share, random, 0);
    const drawing = random.pick(art.drawings(`kind:${cell.kind}`, split, "wide"));
    drawGoods(context, marks, random, drawing, 0, rooms.goods, stretch);
    drawWideTag(context, marks, random, board, cell, style, rooms.tag, stretch, false);
  }
  drawLight(canvas, random);
  blur(canvas, random, library);
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = await compress(develop(rgba, width, height, random), width, height, random);
  return { image: { data, width, height }, board, cells, writing: marks.cells };
}

/** A letter is about so much of a cell's writing: less than that beyond a border is no cut. */
const SLIVER = 0.12;

/**
 * Whether a border between two of `columns` × `rows` equal tiles runs through a cell's writing.
 * @example isCut(writing[0]!, tileGrid(image, 256, 1, 6))
 */
export function isCut(
  { x, y, width, height }: Rectangle,
  { columns, rows }: { columns: number; rows: number },
): boolean {
  const cut = (start: number, length: number, count: number) =>
    Array.from({ length: count - 1 }, (_, i) => (i + 1) / count).some(
      (border) => border > start + SLIVER * length && border < start + (1 - SLIVER) * length,
    );
  return cut(x, width, columns) || cut(y, height, rows);
}
