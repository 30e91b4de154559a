/** @file Everything that drawing needs, loaded once: the canvas library, fonts and art. */

import { type Art, type ArtSize, createArt } from "./art.ts";
import { type CanvasLibrary, loadCanvas } from "./canvas.ts";
import { type Font, fontsOf, loadFonts } from "./fonts.ts";
import type { Face } from "./lettering.ts";
import type { Random } from "./random.ts";
import type { Split } from "./splits.ts";

export interface Studio {
  library: CanvasLibrary;
  fonts: Font[];
  art: Art;
}

const opening = new Map<ArtSize, Promise<Studio>>();

/** Loads what drawing needs, with icons for pictures of this size. @throws Error saying what to install when something is missing */
export function openStudio(size: ArtSize): Promise<Studio> {
  const studio =
    opening.get(size) ??
    Promise.all([loadCanvas(), loadFonts()]).then(([library, fonts]) => ({
      library,
      fonts,
      art: createArt(library, size),
    }));
  opening.set(size, studio);
  // After a failure the next call tries again: the missing package may have been installed.
  studio.catch(() => opening.delete(size));
  return studio;
}

/** A random pair of fonts that the split may use. */
export function pickFace(studio: Studio, random: Random, split: Split): Face {
  return {
    latin: random.pick(fontsOf(studio.fonts, split, "latin")).family,
    chinese: random.pick(fontsOf(studio.fonts, split, "chinese")).family,
  };
}
