// Held-out art and fonts never come into training, and every kind can be drawn in every split.

import { expect, test } from "vitest";
import { createArt, heldOutSet } from "./art.ts";
import { loadCanvas } from "./canvas.ts";
import { fontsOf, loadFonts } from "./fonts.ts";
import { kinds } from "./kinds.ts";
import { type Split, seedRanges } from "./splits.ts";
import { things } from "./things.ts";

const splits = Object.keys(seedRanges) as Split[];

test("the held-out set draws only the held-out split, and nothing else does there", async () => {
  const art = createArt(await loadCanvas(), "small");
  const names = [...kinds.map((kind) => `kind:${kind.id}`), ...things.map((thing) => `thing:${thing.id}`)];
  for (const split of splits) await art.prepare(names, split);
  for (const name of names) {
    for (const split of splits) {
      const sets = art.drawings(name, split).map((drawing) => drawing.set);
      expect(sets.length, `${name} in ${split}`).toBeGreaterThan(0);
      expect(sets.every((set) => (set === heldOutSet) === (split === "held-out-art"))).toBe(true);
      // At least three designs of what is sold, so that none is learned by heart.
      if (split === "train" && name.startsWith("kind:")) expect(sets.length).toBeGreaterThanOrEqual(3);
    }
  }
});

test("held-out fonts write only the held-out split, and nothing else does there", async () => {
  const fonts = await loadFonts();
  for (const script of ["latin", "chinese"] as const) {
    const held = new Set(fontsOf(fonts, "held-out-fonts", script).map((font) => font.family));
    expect(held.size).toBeGreaterThan(0);
    for (const split of splits) {
      if (split === "held-out-fonts") continue;
      const used = fontsOf(fonts, split, script).map((font) => font.family);
      expect(used.length).toBeGreaterThan(1);
      expect(used.some((family) => held.has(family))).toBe(false);
    }
  }
});
