/** @file The drawings of goods and other things, from openly licensed icon sets, rasterised once per process. */

import { createRequire } from "node:module";
import { type Canvas, type CanvasLibrary, installHint } from "./canvas.ts";
import { kinds } from "./kinds.ts";
import { mixSeed } from "./random.ts";
import type { Split } from "./splits.ts";
import { things } from "./things.ts";

/** The icon sets that training draws from, and the one kept for the split "held-out-art". */
export const trainingSets = ["noto", "twemoji", "openmoji", "emojione", "fxemoji", "noto-v1"] as const;
export const heldOutSet = "fluent-emoji-flat";

/** Pixels per side of a rasterised icon: for the model's view about the largest size on a board, for large pictures more. */
const iconSizes = { small: 96, large: 320 } as const;
/** How many colourings of one icon are kept: enough that none is learned by heart, little enough for memory. */
const colouringCounts = { small: 5, large: 1 } as const;
export type ArtSize = keyof typeof iconSizes;

/** Drawings by their label name ("kind:tomato", "thing:dog"). */
export interface Art {
  /** Reads the drawings of these names; later calls for the same names cost nothing. @throws Error when an icon package is missing */
  prepare(names: readonly string[], split: Split): Promise<void>;
  /** The drawings of a prepared name that the split may use. */
  drawings(name: string, split: Split): readonly Drawing[];
}

/** One design of one thing. */
export interface Drawing {
  set: string;
  /** How many colourings there are. */
  colourings: number;
  /** The drawing in one of its colourings; 0 is as its artist made it. */
  colouring(index: number): Canvas;
}

interface IconSet {
  width?: number;
  height?: number;
  icons: Record<string, { body: string; width?: number; height?: number }>;
  aliases?: Record<string, { parent: string }>;
}

const iconNames = new Map<string, readonly string[]>([
  ...kinds.map((kind) => [`kind:${kind.id}`, kind.icons ?? [kind.id]] as const),
  ...things.map((thing) => [`thing:${thing.id}`, thing.icons ?? [thing.id]] as const),
]);

/** An empty collection that reads icons when they are first asked for: most processes need few of them. */
export function createArt(library: CanvasLibrary, size: ArtSize): Art {
  const readings = new Map<string, Promise<Drawing[]>>();
  const ready = new Map<string, Drawing[]>();
  const keyOf = (name: string, split: Split) => `${split === "held-out-art"} ${name}`;
  return {
    async prepare(names, split) {
      const sets = split === "held-out-art" ? [heldOutSet] : trainingSets;
      for (const name of names) {
        const key = keyOf(name, split);
        if (ready.has(key)) continue;
        const reading = readings.get(key) ?? readDrawings(library, name, sets, size);
        readings.set(key, reading);
        ready.set(key, await reading);
      }
    },
    drawings(name, split) {
      const found = ready.get(keyOf(name, split));
      if (!found) throw new Error(`The drawings of "${name}" were not prepared for split "${split}".`);
      return found;
    },
  };
}

async function readDrawings(
  library: CanvasLibrary,
  name: string,
  sets: readonly string[],
  size: ArtSize,
): Promise<Drawing[]> {
  const icons = iconNames.get(name);
  if (!icons) throw new Error(`There is no drawing named "${name}"; expected "kind:" or "thing:" and an id.`);
  const pixels = iconSizes[size];
  const drawings: Drawing[] = [];
  for (const set of sets) {
    const iconSet = readIconSet(set);
    const svg = icons.map((icon) => svgOf(iconSet, icon, pixels)).find((found) => found !== undefined);
    if (!svg) continue;
    const image = await library.loadImage(Buffer.from(svg));
    const colourings: Canvas[] = [];
    drawings.push({
      set,
      colourings: colouringCounts[size],
      colouring(index) {
        const known = colourings[index];
        if (known) return known;
        const canvas = library.createCanvas(pixels, pixels);
        canvas.getContext("2d").drawImage(image, 0, 0, pixels, pixels);
        if (index > 0) recolour(canvas, mixSeed(index, ...Buffer.from(name + set)));
        colourings[index] = canvas;
        return canvas;
      },
    });
  }
  return drawings;
}

const require = createRequire(import.meta.url);

function readIconSet(set: string): IconSet {
  try {
    // Node keeps what was required, so each large file is read once.
    return require(`@iconify-json/${set}/icons.json`) as IconSet;
  } catch (cause) {
    throw new Error(`The icon package @iconify-json/${set} is not installed. ${installHint}`, { cause });
  }
}

function svgOf(set: IconSet, icon: string, size: number): string | undefined {
  const found = set.icons[icon] ?? set.icons[set.aliases?.[icon]?.parent ?? ""];
  if (!found) return undefined;
  const width = found.width ?? set.width ?? 16;
  const height = found.height ?? set.height ?? 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${size}" height="${size}" viewBox="0 0 ${width} ${height}">${found.body}</svg>`;
}

/** Shifts hue, contrast and brightness a little, fixed by the seed: kinds such as the two apples differ by colour, so not far. */
function recolour(canvas: Canvas, seed: number): void {
  const context = canvas.getContext("2d");
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  const part = (lane: number) => mixSeed(seed, lane) / 2 ** 32 - 0.5;
  const angle = part(1) * 0.35;
  const saturation = 1 + part(2) * 0.6;
  const gain = 1 + part(3) * 0.35;
  const lift = part(4) * 40;
  // Hue rotation and saturation as one matrix around the grey axis (the feColorMatrix formulae of SVG 1.1, section 15.10).
  const cos = Math.cos(angle) * saturation;
  const sin = Math.sin(angle) * saturation;
  const [r, g, b] = [0.213, 0.715, 0.072];
  const m = [
    r + cos * (1 - r) - sin * r,
    g - cos * g - sin * g,
    b - cos * b + sin * (1 - b),
    r - cos * r + sin * 0.143,
    g + cos * (1 - g) + sin * 0.14,
    b - cos * b - sin * 0.283,
    r - cos * r - sin * (1 - r),
    g - cos * g + sin * g,
    b + cos * (1 - b) + sin * b,
  ];
  const data = image.data;
  for (let i = 0; i < data.length; i += 4) {
    const [x, y, z] = [data[i]!, data[i + 1]!, data[i + 2]!];
    for (let c = 0; c < 3; c++)
      data[i + c] = (m[3 * c]! * x + m[3 * c + 1]! * y + m[3 * c + 2]! * z - 128) * gain + 128 + lift;
  }
  context.putImageData(image, 0, 0);
}
