/** @file Where a cell of a grid stands on its board. */

import type { Cell, PriceBoard } from "./board.ts";
import type { Context } from "./canvas.ts";
import type { Rectangle } from "./draw-goods.ts";
import type { Marks } from "./marks.ts";
import { patchClassOf, placeName } from "./patch-classes.ts";

/** Room of a cell in the board's `area`, whose row may have fewer cells than others; marked as the place that it is. */
export function placeCell(
  context: Context,
  marks: Marks,
  board: PriceBoard,
  cell: Cell,
  area: Rectangle,
  gap: number,
): Rectangle {
  const inRow = board.cells.filter((other) => other.row === cell.row).length;
  const [width, height] = [area.width / inRow, area.height / board.rows];
  const bounds = {
    x: area.x + (cell.column - 1) * width + gap / 2,
    y: area.y + (cell.row - 1) * height + gap / 2,
    width: width - gap,
    height: height - gap,
  };
  marks.place(context, patchClassOf(placeName(cell.row, cell.column)), bounds.x, bounds.y, bounds.width, bounds.height);
  return bounds;
}
