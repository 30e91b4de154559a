/** @file The fixed list of classes that a part of the picture can show, for teaching the tower to see. */

import { MAX_COLUMNS, MAX_ROWS } from "./board-limits.ts";
import { kinds } from "./kinds.ts";
import { shapes, things } from "./things.ts";
import { titles, unitTitles } from "./titles.ts";

const digits = "0123456789.¥$/:";
const letters = "abcdefghijklmnopqrstuvwxyz";
const writings = [...kinds.map((kind) => kind.zh[0]), ...titles, ...Object.values(unitTitles).flat(), "元斤公斤"].join(
  "",
);
const chinese = [...new Set(writings.match(/\p{Script=Han}/gu))].sort();

/**
 * Class names; the index is the label. 0 is nothing, then icons by kind, then characters (upper and lower case share a
 * class), then plain shapes and other things; last the places of a board by row and column, which label whole patches.
 */
export const patchClasses: readonly string[] = [
  "nothing",
  ...kinds.map((kind) => `kind:${kind.id}`),
  ...[...digits, ...letters, ...chinese],
  ...shapes.map((shape) => `shape:${shape.id}`),
  ...things.map((thing) => `thing:${thing.id}`),
  ...Array.from({ length: MAX_ROWS * MAX_COLUMNS }, (_, i) =>
    placeName(Math.floor(i / MAX_COLUMNS) + 1, (i % MAX_COLUMNS) + 1),
  ),
];

const indices = new Map(patchClasses.map((name, index) => [name, index]));

/** Class name of the place at a row and column, both from 1. */
export function placeName(row: number, column: number): string {
  return `place:${row},${column}`;
}

/** A comma in a price is its point. */
const COMMA = indices.get(".")!;

/** The label of a class name or a character; 0 (nothing) for a character without a class. */
export function patchClassOf(name: string): number {
  if (name === ",") return COMMA;
  return indices.get(name) ?? indices.get(name.toLowerCase()) ?? 0;
}

const firstPlace = indices.get(placeName(1, 1))!;

/** The row and column, both from 1, of a place's label; undefined for a label that is no place. */
export function placeOfLabel(label: number): { row: number; column: number } | undefined {
  const place = label - firstPlace;
  if (place < 0 || place >= MAX_ROWS * MAX_COLUMNS) return undefined;
  return { row: Math.floor(place / MAX_COLUMNS) + 1, column: (place % MAX_COLUMNS) + 1 };
}
