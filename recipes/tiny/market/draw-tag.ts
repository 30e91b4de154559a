/** @file Draws the price tag of one cell, and the name of what is sold where there is room. */

import type { Cell, PriceBoard } from "./board.ts";
import type { Context } from "./canvas.ts";
import type { Rectangle } from "./draw-goods.ts";
import { kindOf } from "./kinds.ts";
import { type Face, textWidth, writeText } from "./lettering.ts";
import type { Marks } from "./marks.ts";
import type { Random } from "./random.ts";

/** The look of all tags of one board. */
export interface TagStyle {
  face: Face;
  shape: "rectangle" | "rounded" | "oval" | "none";
  paper: string;
  ink: string;
  /** Text before the digits ("¥", "$" or nothing) and after them ("元", "/斤", "元/斤", "/kg" or nothing). */
  before: string;
  after: string;
  /** Relative size of what stands after the digits. */
  afterSize: number;
  capitals: "lower" | "title" | "upper";
  turn: number;
}

const papers: readonly (readonly [paper: string, ink: string])[] = [
  ["#ffe24a", "#141414"],
  ["#ffffff", "#141414"],
  ["#fff8dc", "#7a1010"],
  ["#d91f26", "#ffffff"],
  ["#d91f26", "#ffe95c"],
  ["#1d7a3c", "#ffffff"],
  ["#f7f7f2", "#c4161c"],
  ["#1c1c1c", "#ffffff"],
  ["#20304a", "#ffe95c"],
  ["#ffd0dc", "#5a1030"],
  ["#ff8c1a", "#ffffff"],
  ["#bfe6c0", "#12401c"],
  ["#cfe4ff", "#10305a"],
  ["#8a5a2b", "#fff3d6"],
  ["#ffffff", "#1b4fb5"],
];

/** Smallest width of a digit and of a Chinese character in view pixels: about half a patch, or it can't be read. */
export const MIN_DIGIT = 8.5;
const MIN_CHINESE = 11.5;
/** The part of a tag's height that the price may take when a name should stand above it. */
const NAMED_PRICE = 0.58;
/** Font size when nothing else fits. */
const LOWEST_PRICE = 18;
/** Letters are never squeezed to less than this part of their width. */
const NARROWEST = 0.8;
const MIN_LETTER = 6.5;

/** A random look. `lightness` (percent) is that of the ground behind the tags. */
export function pickTagStyle(random: Random, board: PriceBoard, face: Face, lightness: number): TagStyle {
  const darkGround = lightness < 50;
  // Ink without paper can't be relied upon to be legible on a ground of middle lightness.
  const bare = lightness < 30 || lightness > 72 ? 2 : 0;
  const shape = random.weighted([
    ["rectangle", 4],
    ["rounded", 4],
    ["oval", 0.7],
    ["none", bare],
  ] as const);
  const [paper, ink] = random.pick(papers);
  const bareInk = darkGround
    ? random.pick(["#ffffff", "#ffe95c", "#f2f2e0"])
    : random.pick(["#141414", "#a01014", "#123a7a", "#0f4a20"]);
  const chinesePrice = board.currency === "¥" && random.chance(0.4);
  const perUnit = board.unitShown === "tag" ? `/${board.unit}` : "";
  return {
    face,
    shape,
    paper,
    ink: shape === "none" ? bareInk : ink,
    before: chinesePrice ? "" : board.currency,
    after: chinesePrice && (perUnit || random.chance(0.7)) ? `元${perUnit}` : perUnit,
    afterSize: random.between(0.62, 0.9),
    capitals: random.pick(["lower", "title", "upper"] as const),
    turn: random.chance(0.3) ? 0.07 : 0.02,
  };
}

/** The height in view pixels that the tag of a cell of this height should get. */
export function tagHeight(random: Random, cellHeight: number, lines: number): number {
  const line = Math.min(46, Math.max(24, cellHeight * random.between(0.25, 0.36)));
  // The goods need their share: a kind is recognised on about two patches by two.
  return lines > 1 ? Math.min(cellHeight * 0.5, line * 1.75) : Math.min(cellHeight * 0.42, line);
}

interface Line {
  text: string;
  size: number;
  stretch: number;
}

/** Draws the tag into the area and marks its characters. */
export function drawTag(
  context: Context,
  marks: Marks,
  random: Random,
  board: PriceBoard,
  cell: Cell,
  style: TagStyle,
  area: Rectangle,
  stretch: number,
): void {
  const named = cell.kind !== null && board.names !== "none";
  const priceLines = fitPrice(
    context,
    style,
    cell,
    { ...area, height: area.height * (named ? NAMED_PRICE : 1) },
    stretch,
  );
  const lineHeight = Math.max(...priceLines.map((line) => line.size));
  const room = area.height - lineHeight * 1.05 * (priceLines.length > 1 ? 1.7 : 1);
  const name =
    cell.kind && board.names !== "none"
      ? fitName(context, style, board, cell.kind, area.width, room, stretch)
      : undefined;
  const lines = name ? [name, ...priceLines] : priceLines;
  const heights = lines.map((line) => line.size * 1.04);
  const total = heights.reduce((a, b) => a + b, 0);
  const width = Math.max(...lines.map((line) => textWidth(context, style.face, line.text) * line.size * line.stretch));

  context.save();
  context.translate(area.x + area.width / 2, area.y + area.height / 2);
  context.rotate(random.between(-style.turn, style.turn));
  drawPaper(
    context,
    marks,
    random,
    style,
    Math.min(area.width, width + random.between(4, 14)),
    Math.min(area.height, total + random.between(0, 6)),
  );
  context.fillStyle = style.ink;
  let top = -total / 2;
  for (const [i, line] of lines.entries()) {
    writeText(context, marks, style.face, line.text, 0, top + heights[i]! / 2, line.size, line.stretch);
    top += heights[i]!;
  }
  context.restore();
}

function drawPaper(
  context: Context,
  marks: Marks,
  random: Random,
  style: TagStyle,
  width: number,
  height: number,
): void {
  if (style.shape === "none") return;
  context.fillStyle = style.paper;
  context.beginPath();
  if (style.shape === "oval") context.ellipse(0, 0, width * 0.54, height * 0.58, 0, 0, 2 * Math.PI);
  else
    context.roundRect(-width / 2, -height / 2, width, height, style.shape === "rounded" ? Math.min(8, height / 3) : 0);
  context.fill();
  marks.box(context, 0, -width / 2, -height / 2, width, height);
  if (random.chance(0.3)) {
    context.strokeStyle = style.ink;
    context.lineWidth = 1;
    context.stroke();
  }
}

/** One line if the unit fits beside the digits at a legible size, else the unit below, else no unit. */
function fitPrice(context: Context, style: TagStyle, cell: Cell, area: Rectangle, stretch: number): Line[] {
  const full = `${style.before}${cell.price}${style.after}`;
  const digit = textWidth(context, style.face, "8");
  const place = (text: string, height: number): Line | undefined => {
    const natural = textWidth(context, style.face, text);
    const size = Math.min(height * 0.95, 46);
    const widest = (area.width - 2) / (natural * size);
    const least = MIN_DIGIT / (digit * size);
    if (widest >= Math.max(stretch * NARROWEST, least)) {
      return { text, size, stretch: Math.min(widest, Math.max(stretch, least)) };
    }
    // Lower letters keep their shape better than narrow ones.
    const narrow = stretch * NARROWEST;
    const smaller = (area.width - 2) / (natural * narrow);
    return digit * smaller * narrow >= MIN_DIGIT ? { text, size: Math.min(size, smaller), stretch: narrow } : undefined;
  };
  const line = place(full, area.height);
  if (line) return [line];
  const short = `${style.before}${cell.price}`;
  const price = place(short, area.height * 0.62);
  const size = Math.max(13, (price?.size ?? 18) * style.afterSize);
  if (style.after && price && area.height >= price.size + size) {
    const unit = style.after;
    const widest = textWidth(context, style.face, unit) * size * stretch;
    if (widest <= area.width) return [price, { text: unit, size, stretch }];
  }
  const last = place(short, area.height) ?? place(cell.price, area.height);
  if (last) return [last];
  const lowest = LOWEST_PRICE;
  return [
    {
      text: cell.price,
      size: lowest,
      stretch: Math.min(stretch, (area.width - 1) / (textWidth(context, style.face, cell.price) * lowest)),
    },
  ];
}

function fitName(
  context: Context,
  style: TagStyle,
  board: PriceBoard,
  kindId: string,
  width: number,
  room: number,
  stretch: number,
): Line | undefined {
  const kind = kindOf(kindId);
  const english =
    style.capitals === "upper"
      ? kind.en[0].toUpperCase()
      : style.capitals === "title"
        ? kind.en[0].replace(/^./, (c) => c.toUpperCase())
        : kind.en[0];
  const texts = { zh: [kind.zh[0]], en: [english], both: [`${kind.zh[0]} ${english}`, kind.zh[0]], none: [] }[
    board.names
  ];
  for (const text of texts) {
    const natural = textWidth(context, style.face, text);
    const least = /\p{Script=Han}/u.test(text) ? MIN_CHINESE : MIN_LETTER / textWidth(context, style.face, "e");
    const size = Math.min(room * 0.95, (width - 1) / (natural * stretch), 30);
    if (size * stretch >= least && size >= 11) return { text, size, stretch };
  }
  return undefined;
}
