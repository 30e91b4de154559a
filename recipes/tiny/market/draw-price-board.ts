/** @file Draws a price board: title, cells, goods and tags. */

import type { PriceBoard } from "./board.ts";
import type { Context } from "./canvas.ts";
import { css, drawBackground, type Hsl } from "./draw-background.ts";
import { drawGoods } from "./draw-goods.ts";
import { drawTag, pickTagStyle, tagHeight } from "./draw-tag.ts";
import { type Face, textWidth, writeText } from "./lettering.ts";
import { type Marks, VIEW } from "./marks.ts";
import { patchClassOf } from "./patch-classes.ts";
import { placeCell } from "./place-cell.ts";
import type { Random } from "./random.ts";
import type { Split } from "./splits.ts";
import { pickFace, type Studio } from "./studio.ts";

/** Draws the board in view coordinates (256 x 256); `stretch` is the horizontal squash that the model's resize will cause. */
export function drawPriceBoard(
  context: Context,
  marks: Marks,
  random: Random,
  studio: Studio,
  board: PriceBoard,
  split: Split,
  stretch: number,
): void {
  const ground = drawBackground(context, random);
  const face = pickFace(studio, random, split);
  const margin = random.between(2, 12);
  const titleHeight = board.title ? drawTitle(context, marks, random, face, board.title, ground, stretch) : 0;
  const area = {
    x: margin,
    y: margin + titleHeight,
    width: VIEW - 2 * margin,
    height: VIEW - titleHeight - 2 * margin,
  };
  // An empty place can only be seen where places are drawn.
  const someEmpty = board.cells.some((cell) => cell.kind === null);
  const cards = random.weighted([
    ["none", someEmpty ? 0 : 4],
    ["light", 4],
    ["dark", 1.5],
  ] as const);
  const card: Hsl = [
    random.between(0, 360),
    random.between(0, 45),
    cards === "dark" ? random.between(12, 28) : random.between(88, 99),
  ];
  const style = pickTagStyle(random, board, face, cards === "none" ? ground[2] : card[2]);
  const place = random.weighted([
    ["below", 6],
    ["above", 2],
    ["over", 2],
  ] as const);
  const gap = random.between(1, 6);
  const radius = random.pick([0, 0, 4, 9]);
  const twoLines = board.names !== "none" || (board.unitShown === "tag" && board.columns >= 3);
  const tall = tagHeight(random, area.height / board.rows - 2 * gap, twoLines ? 2 : 1);
  for (const cell of board.cells) {
    const bounds = placeCell(context, marks, board, cell, area, gap);
    if (cards !== "none") {
      context.fillStyle = css(card);
      context.beginPath();
      context.roundRect(bounds.x, bounds.y, bounds.width, bounds.height, radius);
      context.fill();
      if (someEmpty || random.chance(0.2)) {
        context.strokeStyle = css([card[0], card[1], card[2] - 30]);
        context.lineWidth = 1;
        context.stroke();
      }
    }
    if (cell.kind === null) continue;
    const goods = { ...bounds, height: bounds.height - tall * (place === "over" ? 0.75 : 1) };
    const tag = { ...bounds, height: tall, y: bounds.y + bounds.height - tall };
    if (place === "above") {
      goods.y += tall;
      tag.y = bounds.y;
    }
    const label = patchClassOf(`kind:${cell.kind}`);
    const drawing = random.pick(studio.art.drawings(`kind:${cell.kind}`, split));
    drawGoods(context, marks, random, drawing, label, goods, stretch);
    drawTag(context, marks, random, board, cell, style, tag, stretch);
  }
}

function drawTitle(
  context: Context,
  marks: Marks,
  random: Random,
  face: Face,
  title: string,
  ground: Hsl,
  stretch: number,
): number {
  const height = random.between(22, 34);
  const banner = random.chance(0.5);
  const dark = banner ? random.chance(0.6) : ground[2] < 55;
  if (banner) {
    context.fillStyle = css([
      random.between(0, 360),
      random.between(20, 80),
      dark ? random.between(15, 35) : random.between(80, 95),
    ]);
    context.fillRect(0, 0, VIEW, height);
  }
  context.fillStyle = dark ? "#ffffff" : "#181818";
  const size = Math.min(height * 0.78, (VIEW * 0.92) / (textWidth(context, face, title) * stretch));
  writeText(context, marks, face, title, VIEW / 2, height / 2, size, stretch);
  return height;
}
