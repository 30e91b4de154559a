/** @file Everything that drawing needs, loaded once: the canvas library, fonts and art. */

import { type Art, type ArtSize, createArt } from "./art.ts";
import { type CanvasLibrary, loadCanvas } from "./canvas.ts";
import { type Font, type FontCollection, fontsOf, loadFonts } from "./fonts.ts";
import type { Face } from "./lettering.ts";
import type { Random } from "./random.ts";
import type { Split, World } from "./splits.ts";

export interface Studio {
  library: CanvasLibrary;
  fonts: Font[];
  art: Art;
}

const opening = new Map<string, Promise<Studio>>();
const collections = new Map<ArtSize, Art>();

/**
 * Loads what drawing needs.
 * @param size icons for pictures of this size
 * @throws Error saying what to install when something is missing
 */
export function openStudio(size: ArtSize, fonts: FontCollection = "first"): Promise<Studio> {
  const key = `${size} ${fonts}`;
  const studio = opening.get(key) ?? load(size, fonts);
  opening.set(key, studio);
  // After a failure the next call tries again: the missing package may have been installed.
  studio.catch(() => opening.delete(key));
  return studio;
}

async function load(size: ArtSize, collection: FontCollection): Promise<Studio> {
  const [library, fonts] = await Promise.all([loadCanvas(), loadFonts(collection)]);
  // Icons are the same whatever they are lettered with: they are kept once.
  const art = collections.get(size) ?? createArt(library, size);
  collections.set(size, art);
  return { library, fonts, art };
}

/** The fonts of a split's pictures. */
export function collectionOf(split: Split, world: World): FontCollection {
  if (split === "plain-system") return "system";
  return world === "wide" ? "wide" : "first";
}

/** A random pair of fonts that the split may use. */
export function pickFace(studio: Studio, random: Random, split: Split): Face {
  return {
    latin: random.pick(fontsOf(studio.fonts, split, "latin")).family,
    chinese: random.pick(fontsOf(studio.fonts, split, "chinese")).family,
  };
}
