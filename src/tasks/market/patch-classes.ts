/** @file The fixed list of classes that a half patch of the picture can show, for teaching the tower to see. */

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
 * class), then plain shapes and other things.
 */
export const patchClasses: readonly string[] = [
  "nothing",
  ...kinds.map((kind) => `kind:${kind.id}`),
  ...[...digits, ...letters, ...chinese],
  ...shapes.map((shape) => `shape:${shape.id}`),
  ...things.map((thing) => `thing:${thing.id}`),
];

const indices = new Map(patchClasses.map((name, index) => [name, index]));

/** The label of a class name or a character; 0 (nothing) for a character without a class. */
export function patchClassOf(name: string): number {
  return indices.get(name) ?? indices.get(name.toLowerCase()) ?? 0;
}
