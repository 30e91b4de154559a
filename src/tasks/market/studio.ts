/** @file Everything that drawing needs, loaded once: the canvas library, fonts and art. */

import { type Art, loadArt } from "./art.ts";
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

let opening: Promise<Studio> | undefined;

/** Loads what drawing needs. @throws Error saying what to install when something is missing */
export function openStudio(): Promise<Studio> {
  opening ??= Promise.all([loadCanvas(), loadFonts(), loadArt()])
    .then(([library, fonts, art]) => ({ library, fonts, art }))
    .catch((error) => {
      opening = undefined;
      throw error;
    });
  return opening;
}

/** A random pair of fonts that the split may use. */
export function pickFace(studio: Studio, random: Random, split: Split): Face {
  return {
    latin: random.pick(fontsOf(studio.fonts, split, "latin")).family,
    chinese: random.pick(fontsOf(studio.fonts, split, "chinese")).family,
  };
}
