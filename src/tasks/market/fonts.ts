/** @file The fonts that boards are written in, from files of the @fontsource packages; some are kept out of training. */

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { installHint, loadCanvas } from "./canvas.ts";
import type { Split } from "./splits.ts";

/** A registered font file. `family` is unique to the file, so that no system font can take its place. */
export interface Font {
  family: string;
  script: "latin" | "chinese";
  heldOut: boolean;
}

type Source = [name: string, weight: number];
const latin: Source[] = [
  ["roboto", 400],
  ["roboto", 700],
  ["oswald", 500],
  ["oswald", 700],
  ["bebas-neue", 400],
  ["lora", 600],
  ["patrick-hand", 400],
  ["roboto-mono", 500],
  ["montserrat", 600],
  ["nunito", 700],
  ["pt-serif", 700],
  ["inter", 500],
  ["inter", 800],
  ["anton", 400],
];
const latinHeldOut: Source[] = [
  ["open-sans", 600],
  ["merriweather", 700],
  ["fira-sans", 500],
  ["comic-neue", 700],
];
const chinese: Source[] = [
  ["noto-sans-sc", 500],
  ["noto-sans-sc", 800],
  ["zcool-xiaowei", 400],
];
const chineseHeldOut: Source[] = [["zcool-kuaile", 400]];

let loading: Promise<Font[]> | undefined;

/** Registers every font once per process and returns them all. @throws Error when a font package is missing */
export function loadFonts(): Promise<Font[]> {
  loading ??= register().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

/** The fonts that a split may use: held-out fonts only in "held-out-fonts", and there no others. */
export function fontsOf(fonts: Font[], split: Split, script: Font["script"]): Font[] {
  return fonts.filter((font) => font.script === script && font.heldOut === (split === "held-out-fonts"));
}

async function register(): Promise<Font[]> {
  const { GlobalFonts } = await loadCanvas();
  const require = createRequire(import.meta.url);
  const fonts: Font[] = [];
  const add = (sources: Source[], script: Font["script"], heldOut: boolean) => {
    for (const [name, weight] of sources) {
      const subset = script === "latin" ? "latin" : "chinese-simplified";
      const family = `market-${name}-${weight}`;
      let file: string;
      try {
        file = join(
          dirname(require.resolve(`@fontsource/${name}/package.json`)),
          "files",
          `${name}-${subset}-${weight}-normal.woff2`,
        );
      } catch (cause) {
        throw new Error(`The font package @fontsource/${name} is not installed. ${installHint}`, { cause });
      }
      if (!GlobalFonts.registerFromPath(file, family)) throw new Error(`The font file ${file} could not be loaded.`);
      fonts.push({ family, script, heldOut });
    }
  };
  add(latin, "latin", false);
  add(latinHeldOut, "latin", true);
  add(chinese, "chinese", false);
  add(chineseHeldOut, "chinese", true);
  return fonts;
}
