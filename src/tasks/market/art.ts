/** @file The drawings of goods and other things, from openly licensed icon sets, rasterised once per process. */

import { createRequire } from "node:module";
import type { Canvas } from "./canvas.ts";
import { installHint, loadCanvas } from "./canvas.ts";
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

/** Something drawable by its label name ("kind:tomato", "thing:dog"). */
export interface Art {
  /** The drawings of this name that a split may use; the same drawing in several colourings. */
  drawings(name: string, split: Split): Drawing[];
}

export interface Drawing {
  set: string;
  colourings: Canvas[];
}

const loading = new Map<ArtSize, Promise<Art>>();

/** Loads and rasterises all icons (about two seconds, once per process and size). @throws Error when an icon package is missing */
export function loadArt(size: ArtSize): Promise<Art> {
  const art = loading.get(size) ?? rasteriseAll(iconSizes[size], colouringCounts[size]);
  loading.set(size, art);
  art.catch(() => loading.delete(size));
  return art;
}

interface IconSet {
  width?: number;
  height?: number;
  icons: Record<string, { body: string; width?: number; height?: number }>;
  aliases?: Record<string, { parent: string }>;
}

async function rasteriseAll(size: number, colouringCount: number): Promise<Art> {
  const { createCanvas, loadImage } = await loadCanvas();
  const require = createRequire(import.meta.url);
  const wanted = [
    ...kinds.map((kind) => ({ name: `kind:${kind.id}`, icons: kind.icons ?? [kind.id] })),
    ...things.map((thing) => ({ name: `thing:${thing.id}`, icons: thing.icons ?? [thing.id] })),
  ];
  const drawings = new Map<string, Drawing[]>();
  for (const set of [...trainingSets, heldOutSet]) {
    let iconSet: IconSet;
    try {
      iconSet = require(`@iconify-json/${set}/icons.json`) as IconSet;
    } catch (cause) {
      throw new Error(`The icon package @iconify-json/${set} is not installed. ${installHint}`, { cause });
    }
    for (const { name, icons } of wanted) {
      const svg = icons.map((icon) => svgOf(iconSet, icon, size)).find((found) => found !== undefined);
      if (!svg) continue;
      const image = await loadImage(Buffer.from(svg));
      const colourings = Array.from({ length: colouringCount }, (_, variant) => {
        const canvas = createCanvas(size, size);
        canvas.getContext("2d").drawImage(image, 0, 0, size, size);
        if (variant > 0) recolour(canvas, mixSeed(variant, ...Buffer.from(name + set)));
        return canvas;
      });
      drawings.set(name, [...(drawings.get(name) ?? []), { set, colourings }]);
    }
  }
  return {
    drawings: (name, split) =>
      (drawings.get(name) ?? []).filter(({ set }) => (set === heldOutSet) === (split === "held-out-art")),
  };
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
