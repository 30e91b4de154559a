/** @file Reads the icons that the market needs out of the icon packages. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { installHint } from "./canvas.ts";
import { kinds } from "./kinds.ts";
import { things } from "./things.ts";

/** A drawing as its package holds it. */
export interface Icon {
  body: string;
  width: number;
  height: number;
}

/** The format of an iconify package's icons.json, as far as it is read here. */
interface IconFile {
  width?: number;
  height?: number;
  icons: Record<string, { body: string; width?: number; height?: number } | undefined>;
  aliases?: Record<string, { parent: string } | undefined>;
}

/** Iconify's size for files that give none. */
const USUAL_SIZE = 16;
const wanted: readonly (readonly [name: string, icons: readonly string[]])[] = [
  ...kinds.map((kind) => [`kind:${kind.id}`, kind.icons ?? [kind.id]] as const),
  ...things.map((thing) => [`thing:${thing.id}`, thing.icons ?? [thing.id]] as const),
];
const require = createRequire(import.meta.url);
const sets = new Map<string, ReadonlyMap<string, Icon>>();

/**
 * The icons of one set by label name ("kind:tomato"); sets lack some. Read once per process.
 * @throws Error when the package is missing
 */
export function readIconSet(set: string): ReadonlyMap<string, Icon> {
  let icons = sets.get(set);
  if (!icons) {
    icons = pickWanted(readFile(set));
    sets.set(set, icons);
  }
  return icons;
}

function readFile(set: string): IconFile {
  try {
    // Parsed here and not required: only a few of the thousands of icons should stay in memory.
    return JSON.parse(readFileSync(require.resolve(`@iconify-json/${set}/icons.json`), "utf8"));
  } catch (cause) {
    throw new Error(`The icon package @iconify-json/${set} can't be read. ${installHint}`, { cause });
  }
}

function pickWanted(file: IconFile): Map<string, Icon> {
  const picked = new Map<string, Icon>();
  for (const [name, icons] of wanted) {
    for (const icon of icons) {
      const found = file.icons[icon] ?? file.icons[file.aliases?.[icon]?.parent ?? ""];
      if (!found) continue;
      const { body, width = file.width ?? USUAL_SIZE, height = file.height ?? USUAL_SIZE } = found;
      picked.set(name, { body, width, height });
      break;
    }
  }
  return picked;
}

/** The icon as an SVG file of the given size. */
export function toSvg({ body, width, height }: Icon, pixels: number): string {
  const spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"';
  return `<svg ${spaces} width="${pixels}" height="${pixels}" viewBox="0 0 ${width} ${height}">${body}</svg>`;
}
