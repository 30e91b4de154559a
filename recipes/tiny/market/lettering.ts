/** @file Writes text character by character, so that each character's place is known. */

import type { Context } from "./canvas.ts";
import type { Marks } from "./marks.ts";
import { patchClassOf } from "./patch-classes.ts";

/** The fonts of one piece of writing: Chinese characters never come from the Latin font. */
export interface Face {
  latin: string;
  chinese: string;
}

/** Parts of the em that a character fills above and below the baseline, for its label box. */
const LATIN_ABOVE = 0.74;
const LATIN_BELOW = 0.03;
const CHINESE_ABOVE = 0.86;
const CHINESE_BELOW = 0.1;
const isChinese = (character: string) => /\p{Script=Han}|:/u.test(character);

const advances = new Map<string, number>();

function advance(context: Context, family: string, character: string): number {
  const key = `${family}\n${character}`;
  let width = advances.get(key);
  if (width === undefined) {
    context.save();
    context.font = `100px "${family}"`;
    width = context.measureText(character).width / 100;
    context.restore();
    advances.set(key, width);
  }
  return width;
}

const familyOf = (face: Face, character: string) => (isChinese(character) ? face.chinese : face.latin);

/** The width of a text at font size 1. */
export function textWidth(context: Context, face: Face, text: string): number {
  let width = 0;
  for (const character of text) width += advance(context, familyOf(face, character), character);
  return width;
}

/** Draws one character. */
export type Paint = (character: string, left: number, baseline: number) => void;

/**
 * Writes a text centred on (x, y) and marks its characters.
 * @param size font size in pixels
 * @param stretch horizontal scale of the letters
 * @param paint draws one character with its left end at `left` on the baseline; filled when left out
 */
export function writeText(
  context: Context,
  marks: Marks,
  face: Face,
  text: string,
  x: number,
  y: number,
  size: number,
  stretch: number,
  paint: Paint = (character, left, baseline) => context.fillText(character, left, baseline),
): void {
  context.save();
  context.translate(x, y);
  context.scale(stretch, 1);
  context.textBaseline = "alphabetic";
  context.textAlign = "left";
  const baseline = size * 0.36;
  let left = (-textWidth(context, face, text) * size) / 2;
  let current = "";
  for (const character of text) {
    const family = familyOf(face, character);
    if (family !== current) {
      context.font = `${size}px "${family}"`;
      current = family;
    }
    const width = advance(context, family, character) * size;
    paint(character, left, baseline);
    const above = isChinese(character) ? CHINESE_ABOVE : LATIN_ABOVE;
    const below = isChinese(character) ? CHINESE_BELOW : LATIN_BELOW;
    const label = patchClassOf(character);
    if (label > 0) marks.box(context, label, left, baseline - above * size, width, (above + below) * size);
    left += width;
  }
  context.restore();
}
