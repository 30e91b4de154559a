/** @file Places in answers: InternVL's boxes, and points, in thousandths of the picture's width and height. */

/** A place in a picture, in thousandths. A point has no size. */
export interface Place {
  left: number;
  top: number;
  width: number;
  height: number;
  /** What the answer calls it; empty where it says nothing. */
  name: string;
  /** Stands for it in the text and beside it on the picture. */
  mark: string;
}

const NUMBER = String.raw`\s*-?\d{1,4}(?:\.\d+)?\s*`;
const ROW = String.raw`\[${NUMBER}(?:,${NUMBER}){3}\]|\[${NUMBER},${NUMBER}\]`;
const LIST = String.raw`\[\s*(?:${ROW})(?:\s*,\s*(?:${ROW}))*\s*\]`;
/** `<ref>name</ref><box>[[x1, y1, x2, y2], …]</box>`; the marks are missing where a tokenizer takes them for control tokens. */
const PLACES = new RegExp(
  String.raw`(?:<ref>([^<]*)</ref>\s*)?(?:<(box|point)>\s*(${LIST}|${ROW})\s*</\2>|(?<![\w\])])(\[\s*\[${NUMBER}(?:,${NUMBER}){3}\](?:\s*,\s*\[${NUMBER}(?:,${NUMBER}){3}\])*\s*\]))`,
  "g",
);
/** Code is shown as it is. */
const CODE = /(```[\s\S]*?(?:```|$)|`[^`\n]*`)/;
const CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳";

/**
 * The places that an answer names, and its text with a mark in place of each list of numbers.
 * Numbers that are no place (beyond 1000, or right before left) stay text.
 *
 * @example readPlaces("<ref>leek</ref><box>[[10, 20, 300, 400]]</box>").text // "leek ①"
 */
export function readPlaces(text: string): { text: string; places: Place[] } {
  const places: Place[] = [];
  const shown = text.split(CODE).map((part, index) =>
    index % 2 === 1
      ? part
      : part.replace(PLACES, (all, name: string | undefined, _tag, tagged: string | undefined, bare: string) => {
          const rows = [...(tagged ?? bare).matchAll(new RegExp(ROW, "g"))].map(([row]) => numbersOf(row));
          if (!rows.every(isPlace)) return all;
          const marks = rows.map(([left, top, right = left, bottom = top]) => {
            const mark = CIRCLED[places.length] ?? `(${places.length + 1})`;
            places.push({
              left: left!,
              top: top!,
              width: right! - left!,
              height: bottom! - top!,
              name: name ?? "",
              mark,
            });
            return mark;
          });
          return `${name ? `${name} ` : ""}${marks.join(" ")}`;
        }),
  );
  return { text: shown.join("").replace(/<\/?ref>/g, ""), places };
}

const numbersOf = (row: string): number[] =>
  row
    .replace(/[[\]\s]/g, "")
    .split(",")
    .map(Number);

function isPlace([left, top, right, bottom, ...more]: number[]): boolean {
  const inside = [left, top, right ?? 0, bottom ?? 0].every((value) => value! >= 0 && value! <= 1000);
  return inside && more.length === 0 && (right === undefined || (right > left! && bottom! > top!));
}
