/** @file The fonts that boards are written in, registered with the canvas; some are kept out of training. */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { installHint, loadCanvas } from "./canvas.ts";
import {
  chinese,
  chineseHeldOut,
  firstLatin,
  firstLatinHeldOut,
  SYSTEM_FOLDER,
  systemFonts,
  systemPackages,
  type WebFont,
  wideLatin,
  wideLatinHeldOut,
} from "./font-lists.ts";
import { heldOutFontSplits, type Split } from "./splits.ts";

/** A registered font file. `family` is unique to the file, so that no system font can take its place. */
export interface Font {
  family: string;
  script: "latin" | "chinese";
  heldOut: boolean;
}

/** The first world's fonts; those and many more; or those of a Debian system, which are never trained on. */
export type FontCollection = "first" | "wide" | "system";

const loading = new Map<FontCollection, Promise<Font[]>>();

/** Registers every font of a collection once per process and returns them. @throws Error when a font package is missing */
export function loadFonts(collection: FontCollection = "first"): Promise<Font[]> {
  let fonts = loading.get(collection);
  if (!fonts) {
    fonts = register(collection);
    // After a failure the next call tries again: the missing package may have been installed.
    fonts.catch(() => loading.delete(collection));
    loading.set(collection, fonts);
  }
  return fonts;
}

/** The fonts that a split may use: held-out fonts only in the splits for them, and there no others. */
export function fontsOf(fonts: Font[], split: Split, script: Font["script"]): Font[] {
  const heldOut = heldOutFontSplits.has(split);
  return fonts.filter((font) => font.script === script && font.heldOut === heldOut);
}

/** The files of `systemFonts` that this machine lacks. */
export const missingSystemFonts = (): string[] =>
  systemFonts.map((file) => join(SYSTEM_FOLDER, file)).filter((file) => !existsSync(file));

async function register(collection: FontCollection): Promise<Font[]> {
  const { GlobalFonts } = await loadCanvas();
  const fonts: Font[] = [];
  const add = (file: string, family: string, script: Font["script"], heldOut: boolean) => {
    if (!GlobalFonts.has(family) && !GlobalFonts.registerFromPath(file, family))
      throw new Error(`The font file ${file} could not be loaded.`);
    fonts.push({ family, script, heldOut });
  };
  const addAll = (list: readonly WebFont[], script: Font["script"], heldOut: boolean) => {
    for (const font of list) {
      const { name, weight, italic } = font;
      add(webFile(font, script), `market-${name}-${weight}${italic ? "-italic" : ""}`, script, heldOut);
    }
  };
  if (collection === "system") {
    const missing = missingSystemFonts();
    if (missing.length > 0)
      throw new Error(
        `The font file ${missing[0]} is missing. Install Debian's packages ${systemPackages.join(", ")}.`,
      );
    for (const file of systemFonts) add(join(SYSTEM_FOLDER, file), `market-system-${file}`, "latin", true);
    addAll(chineseHeldOut, "chinese", true);
    return fonts;
  }
  addAll(firstLatin, "latin", false);
  if (collection === "wide") addAll(wideLatin, "latin", false);
  addAll(collection === "wide" ? wideLatinHeldOut : firstLatinHeldOut, "latin", true);
  addAll(chinese, "chinese", false);
  addAll(chineseHeldOut, "chinese", true);
  return fonts;
}

const require = createRequire(import.meta.url);

function webFile({ name, weight, italic }: WebFont, script: Font["script"]): string {
  const subset = script === "latin" ? "latin" : "chinese-simplified";
  try {
    return join(
      dirname(require.resolve(`@fontsource/${name}/package.json`)),
      "files",
      `${name}-${subset}-${weight}-${italic ? "italic" : "normal"}.woff2`,
    );
  } catch (cause) {
    throw new Error(`The font package @fontsource/${name} is not installed. ${installHint}`, { cause });
  }
}
