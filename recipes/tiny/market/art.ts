/** @file The drawings of goods and other things, from openly licensed icon sets, rasterised when first asked for. */

import type { Canvas, CanvasLibrary } from "./canvas.ts";
import { readIconSet, toSvg } from "./icon-sets.ts";
import { createRandom } from "./random.ts";
import { restyle } from "./restyle.ts";
import { heldOutArtSplits, type Split, type World } from "./splits.ts";
import { trim } from "./trim.ts";

/** The icon sets that training draws from, and the one kept for the split "held-out-art". */
export const trainingSets = ["noto", "twemoji", "openmoji", "emojione", "fxemoji", "noto-v1"] as const;
export const heldOutSet = "fluent-emoji-flat";
/** Sets that training in the wide world draws from too; they lack many kinds. */
const wideSets = ["emojione-v1", "streamline-emojis"] as const;

/** Pixels per side of a rasterised icon: for the model's view about the largest size on a board, for large pictures more. */
const iconSizes = { small: 96, large: 320 } as const;
/** Icons are rasterised this much larger and then brought to size without their margin. */
const DETAIL = 1.5;
/** How many colourings of one icon are kept: enough that none is learned by heart, little enough for memory. */
const colouringCounts = { small: 7, large: 1 } as const;
export type ArtSize = keyof typeof iconSizes;

/** Drawings by their label name ("kind:tomato", "thing:dog"). */
export interface Art {
  /** Reads the drawings of these names; later calls for the same names cost nothing. @throws Error when an icon package is missing */
  prepare(names: readonly string[], split: Split, world?: World): Promise<void>;
  /** The drawings of a prepared name that the split may use. */
  drawings(name: string, split: Split, world?: World): readonly Drawing[];
}

/** One design of one thing. */
export interface Drawing {
  set: string;
  /** How many colourings there are. */
  colourings: number;
  /** The drawing in one of its colourings; 0 is as its artist made it. */
  colouring(index: number): Canvas;
}

/** An empty collection that reads icons when they are first asked for: most processes need few of them. */
export function createArt(library: CanvasLibrary, size: ArtSize): Art {
  const readings = new Map<string, Promise<Drawing[]>>();
  const ready = new Map<string, Drawing[]>();
  const setsOf = (split: Split, world: World): readonly string[] =>
    heldOutArtSplits.has(split) ? [heldOutSet] : world === "wide" ? [...trainingSets, ...wideSets] : trainingSets;
  const keyOf = (name: string, split: Split, world: World) => `${setsOf(split, world).join()} ${name}`;
  return {
    async prepare(names, split, world = "first") {
      const sets = setsOf(split, world);
      for (const name of names) {
        const key = keyOf(name, split, world);
        if (ready.has(key)) continue;
        const reading = readings.get(key) ?? readDrawings(library, name, sets, size);
        readings.set(key, reading);
        // After a failure the next call tries again: the missing package may have been installed.
        reading.catch(() => readings.delete(key));
        ready.set(key, await reading);
      }
    },
    drawings(name, split, world = "first") {
      const found = ready.get(keyOf(name, split, world));
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
  const pixels = iconSizes[size];
  const drawings: Drawing[] = [];
  for (const set of sets) {
    const icon = readIconSet(set).get(name);
    if (!icon) continue;
    const image = await library.loadImage(Buffer.from(toSvg(icon, pixels * DETAIL)));
    const original = trim(library, image, pixels);
    const colourings: Canvas[] = [original];
    drawings.push({
      set,
      colourings: colouringCounts[size],
      colouring(index) {
        const known = colourings[index];
        if (known) return known;
        const canvas = library.createCanvas(pixels, pixels);
        canvas.getContext("2d").drawImage(original, 0, 0);
        restyle(library, canvas, createRandom(index, ...Buffer.from(name + set)));
        colourings[index] = canvas;
        return canvas;
      },
    });
  }
  return drawings;
}
