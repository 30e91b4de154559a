/** @file Draws a price board of the wide world: plain pages and decorated boards, prices of any size, on tags or not, on the grid or off it. */

import type { Cell, PriceBoard } from "./board.ts";
import type { Context } from "./canvas.ts";
import { css, drawBackground, type Hsl, pickBackground } from "./draw-background.ts";
import { drawGoods, type Rectangle } from "./draw-goods.ts";
import { textWidth, writeText } from "./lettering.ts";
import { type Marks, VIEW } from "./marks.ts";
import { patchClassOf } from "./patch-classes.ts";
import { placeCell } from "./place-cell.ts";
import type { Random } from "./random.ts";
import type { Split } from "./splits.ts";
import { pickFace, type Studio } from "./studio.ts";
import { fitWideName, fitWidePrice, painter, pickWideTags, type TagLine, type WideTagStyle } from "./wide-tags.ts";

/** Where the price stands. */
export type Arrangement = "below" | "above" | "right" | "left" | "over";

/** Draws the board in view coordinates (256 x 256); see `drawPriceBoard`. */
export function drawWideBoard(
  context: Context,
  marks: Marks,
  random: Random,
  studio: Studio,
  board: PriceBoard,
  split: Split,
  stretch: number,
): void {
  // A page as people make them: one colour, nothing around the goods, letters on the page itself.
  const plain = split === "plain-system" || random.chance(0.5);
  const ground = plain ? drawPage(context, random) : drawBackground(context, random);
  const style = pickWideTags(random, board, pickFace(studio, random, split), ground[2]);
  // Pages as a word processor makes them: letters as the font has them, large enough to be read with ease.
  if (split === "plain-system")
    Object.assign(style, { hollow: false, rim: null, slant: 0, share: random.between(0.18, 0.4) });
  const margin = random.between(2, plain ? 20 : 10);
  const titleHeight = board.title ? drawTitle(context, marks, random, studio, board.title, ground, split, stretch) : 0;
  const area = {
    x: margin,
    y: margin + titleHeight,
    width: VIEW - 2 * margin,
    height: VIEW - titleHeight - 2 * margin,
  };
  const someEmpty = board.cells.some((cell) => cell.kind === null);
  const cards = someEmpty || random.chance(plain ? 0.15 : 0.4);
  const card: Hsl = [ground[0], ground[1], ground[2] > 50 ? random.between(90, 100) : random.between(6, 22)];
  const gap = random.between(1, plain ? 12 : 6);
  const wide = board.columns <= 2 && board.rows >= 2;
  const arrangement = random.weighted<Arrangement>([
    ["below", 6],
    ["above", 2],
    ["right", wide ? 3 : 0],
    ["left", wide ? 1 : 0],
    ["over", 1],
  ]);
  const loose = random.chance(0.25) ? 0.5 : 0;
  for (const cell of board.cells) {
    const bounds = placeCell(context, marks, board, cell, area, gap);
    if (cards) {
      context.fillStyle = css(card);
      context.fillRect(bounds.x, bounds.y, bounds.width, bounds.height);
      context.strokeStyle = css([card[0], card[1], card[2] > 50 ? card[2] - 30 : card[2] + 30]);
      context.lineWidth = 1;
      context.strokeRect(bounds.x, bounds.y, bounds.width, bounds.height);
    }
    if (cell.kind === null) continue;
    const rooms = divide(bounds, arrangement, style.share, random, loose);
    const drawing = random.pick(studio.art.drawings(`kind:${cell.kind}`, split, "wide"));
    drawGoods(context, marks, random, drawing, patchClassOf(`kind:${cell.kind}`), rooms.goods, stretch);
    drawWideTag(context, marks, random, board, cell, style, rooms.tag, stretch, arrangement === "over");
  }
}

/** One colour, mostly white or nearly. */
export const pickPage = (random: Random): Hsl =>
  random.weighted<Hsl>([
    [[0, 0, 100], 5],
    [[random.between(0, 360), random.between(10, 60), random.between(88, 97)], 3],
    [[random.between(0, 360), random.between(0, 70), random.between(4, 26)], 2.5],
    [pickBackground(random), 1],
  ]);

function drawPage(context: Context, random: Random): Hsl {
  const page = pickPage(random);
  context.fillStyle = css(page);
  context.fillRect(-40, -40, VIEW + 80, VIEW + 80);
  return page;
}

/**
 * A cell as room for goods and room for the tag.
 * @param loose how far a tag may leave the middle of its room, in parts of what is free there
 */
export function divide(cell: Rectangle, arrangement: Arrangement, share: number, random: Random, loose: number) {
  let [goods, tag] = [{ ...cell }, { ...cell }];
  if (arrangement === "right" || arrangement === "left") {
    const part = cell.width * random.between(0.42, 0.55);
    goods = { ...cell, width: cell.width - part };
    tag = { ...cell, width: part };
    if (arrangement === "right") tag.x += goods.width;
    else goods.x += part;
    const height = Math.min(cell.height, Math.max(20, cell.height * Math.min(0.6, share * 1.6)));
    tag.y += ((cell.height - height) / 2) * (1 + random.between(-loose, loose));
    tag.height = height;
    return { goods, tag };
  }
  const height = Math.max(14, cell.height * share);
  tag.height = height;
  if (arrangement === "above") goods.y += height;
  else tag.y += cell.height - height;
  // Over the goods the tag hides a part of them; elsewhere it keeps clear.
  goods.height -= arrangement === "over" ? height * 0.6 : height;
  if (loose > 0) {
    tag.x += cell.width * random.between(0, 0.12 * loose);
    tag.width -= cell.width * 0.12 * loose;
  }
  return { goods, tag };
}

export function drawWideTag(
  context: Context,
  marks: Marks,
  random: Random,
  board: PriceBoard,
  cell: Cell,
  style: WideTagStyle,
  area: Rectangle,
  stretch: number,
  over: boolean,
): void {
  const name = fitWideName(context, style, board, cell.kind!, area.width - 3, area.height * 0.42, stretch);
  const height = (area.height - (name ? name.size * 1.1 : 0)) * 0.92;
  const price = fitWidePrice(context, style, cell, area.width - 3, height, stretch);
  const lines: TagLine[] = name ? [name, price] : [price];
  const widths = lines.map((line) => textWidth(context, style.face, line.text) * line.size * line.stretch);
  const total = lines.reduce((sum, line) => sum + line.size * 1.06, 0);
  const width = Math.min(area.width, Math.max(...widths) + random.between(3, 12));
  context.save();
  context.translate(area.x + area.width / 2, area.y + area.height / 2);
  context.rotate(random.between(-style.turn, style.turn));
  // On goods ink needs a paper.
  const paper = style.paper ?? (over ? "#ffffff" : null);
  if (paper) {
    context.fillStyle = paper;
    context.beginPath();
    context.roundRect(-width / 2, -total / 2, width, total, Math.min(style.radius, total / 3));
    context.fill();
    marks.box(context, 0, -width / 2, -total / 2, width, total);
  }
  const look = style.paper === null && over ? { ...style, ink: "#141414", rim: null } : style;
  let top = -total / 2;
  for (const line of lines) {
    const middle = top + line.size * 0.53;
    const paint = painter(context, look, line.size);
    writeText(context, marks, style.face, line.text, 0, middle, line.size, line.stretch, paint);
    top += line.size * 1.06;
  }
  context.restore();
}

function drawTitle(
  context: Context,
  marks: Marks,
  random: Random,
  studio: Studio,
  title: string,
  ground: Hsl,
  split: Split,
  stretch: number,
): number {
  const height = random.between(18, 34);
  const face = pickFace(studio, random, split);
  context.fillStyle = ground[2] < 55 ? "#ffffff" : "#181818";
  const size = Math.min(height * 0.78, (VIEW * 0.92) / (textWidth(context, face, title) * stretch));
  writeText(context, marks, face, title, VIEW / 2, height / 2, size, stretch);
  return height;
}
