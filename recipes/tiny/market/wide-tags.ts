/** @file How the price tags of a board of the wide world look, and how their lines are fitted into the room that they have. */

import type { Cell, PriceBoard } from "./board.ts";
import type { Context } from "./canvas.ts";
import { css, type Hsl } from "./draw-background.ts";
import { kindOf } from "./kinds.ts";
import { type Face, type Paint, textWidth } from "./lettering.ts";
import type { Random } from "./random.ts";

/** How letters are drawn. */
export interface Manner {
  ink: string;
  /** Letters drawn as lines, filled with the paper or not at all. */
  hollow: boolean;
  /** A line around the letters: another colour, or the ink itself, which makes them bolder. */
  rim: string | null;
  /** Width of these lines in parts of the font size. */
  line: number;
  /** Letters slanted to the right, in parts of their height. */
  slant: number;
}

export interface WideTagStyle extends Manner {
  face: Face;
  /** Nothing where ink stands on the ground itself. */
  paper: string | null;
  radius: number;
  before: string;
  after: string;
  /** Largest angle of a tag. */
  turn: number;
  capitals: boolean;
  /** Height that prices should have, in parts of the cell. */
  share: number;
}

/** Digits narrower than this, or letters lower, cannot be read by anybody in the model's view. */
export const LEAST_DIGIT = 5.5;
const LEAST_HEIGHT = 10;

/** A colour that stands out from the ground. */
function inkOn(ground: number, random: Random): Hsl {
  const dark = ground > 50;
  const lightness = dark
    ? random.between(0, Math.min(38, ground - 48))
    : random.between(Math.max(68, ground + 48), 100);
  return [random.between(0, 360), random.chance(0.5) ? 0 : random.between(20, 95), lightness];
}

/** What stands around the digits: the currency before or behind, a unit behind. */
function signs(random: Random, { currency, unit, unitShown }: PriceBoard): Pick<WideTagStyle, "before" | "after"> {
  const per = unitShown === "tag" ? `/${unit}` : "";
  const space = random.chance(0.3) ? " " : "";
  if (currency === "¥" && random.chance(0.35)) return { before: "", after: `元${per}` };
  const behind = currency === "€" ? 0.5 : currency === "kr" ? 0.8 : 0;
  if (random.chance(behind)) return { before: "", after: `${space}${currency}${per}` };
  const letters = /^[A-Z]/i.test(currency);
  return { before: `${currency}${letters ? " " : space}`, after: per };
}

/** @param behind lightness (percent) of what lies behind the letters */
export function pickManner(random: Random, behind: number): Manner {
  const ink = inkOn(behind, random);
  const effect = random.weighted([
    ["plain", 12],
    ["bold", 2],
    ["rim", 1.5],
    ["hollow", 1],
  ] as const);
  const rim: Hsl = [random.between(0, 360), random.between(0, 80), ink[2] > 50 ? 8 : 96];
  return {
    ink: css(ink),
    hollow: effect === "hollow",
    rim: effect === "rim" ? css(rim) : effect === "bold" ? css(ink) : null,
    line: effect === "hollow" ? 0.05 : effect === "bold" ? random.between(0.02, 0.06) : random.between(0.05, 0.1),
    slant: random.chance(0.15) ? random.between(0.1, 0.3) : 0,
  };
}

/** @param ground lightness (percent) of what lies behind the tags */
export function pickWideTags(random: Random, board: PriceBoard, face: Face, ground: number): WideTagStyle {
  const bare = random.chance(ground < 32 || ground > 70 ? 0.5 : 0);
  const paper: Hsl = [
    random.between(0, 360),
    random.chance(0.4) ? random.between(0, 12) : random.between(30, 95),
    random.chance(0.6) ? random.between(78, 100) : random.between(5, 42),
  ];
  return {
    face,
    paper: bare ? null : css(paper),
    radius: random.pick([0, 0, 3, 7]),
    ...pickManner(random, bare ? ground : paper[2]),
    ...signs(random, board),
    turn: random.weighted([
      [0, 5],
      [0.03, 3],
      [0.09, 1],
    ]),
    capitals: random.chance(0.3),
    share: random.weighted([
      [random.between(0.12, 0.22), 3],
      [random.between(0.2, 0.35), 5],
      [random.between(0.35, 0.55), 2],
    ]),
  };
}

/** Draws characters in the style's manner, for `writeText`. */
export function painter(context: Context, style: Manner, size: number): Paint {
  return (character, left, baseline) => {
    context.save();
    context.lineJoin = "round";
    context.lineWidth = Math.max(0.8, size * style.line);
    context.fillStyle = style.ink;
    if (style.slant > 0) {
      context.translate(left, baseline);
      context.transform(1, 0, -style.slant, 1, 0, 0);
      context.translate(-left, -baseline);
    }
    if (style.hollow) {
      context.strokeStyle = style.ink;
      context.strokeText(character, left, baseline);
    } else {
      if (style.rim) {
        context.strokeStyle = style.rim;
        context.strokeText(character, left, baseline);
      }
      context.fillText(character, left, baseline);
    }
    context.restore();
  };
}

export interface TagLine {
  text: string;
  size: number;
  /** Horizontal scale. */
  stretch: number;
}

/** The price in the room given: with currency and unit where they fit legibly, else with less. */
export function fitWidePrice(
  context: Context,
  style: WideTagStyle,
  { price, written = price }: Cell,
  width: number,
  height: number,
  stretch: number,
): TagLine {
  const digit = textWidth(context, style.face, "8");
  const texts = [`${style.before}${written}${style.after}`, `${style.before}${written}`, written];
  let line: TagLine | undefined;
  for (const text of texts) {
    const natural = textWidth(context, style.face, text);
    const size = Math.min(height, Math.max(LEAST_HEIGHT, width / (natural * stretch)));
    line = { text, size, stretch: Math.min(stretch, width / (natural * size)) };
    if (line.size >= LEAST_HEIGHT && digit * line.size * line.stretch >= LEAST_DIGIT) return line;
  }
  // Narrow letters are still better than cut ones.
  return line!;
}

/** The name above the price, or nothing where it would not be legible. */
export function fitWideName(
  context: Context,
  style: WideTagStyle,
  board: PriceBoard,
  kind: string,
  width: number,
  height: number,
  stretch: number,
): TagLine | undefined {
  if (board.names === "none") return undefined;
  const { zh, en } = kindOf(kind);
  const english = style.capitals ? en[0].toUpperCase() : en[0];
  const text = board.names === "zh" ? zh[0] : board.names === "en" ? english : `${zh[0]} ${english}`;
  const natural = textWidth(context, style.face, text);
  const size = Math.min(height, width / (natural * stretch));
  return size >= LEAST_HEIGHT ? { text, size, stretch } : undefined;
}
