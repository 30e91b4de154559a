// Held-out art and fonts never come into training, and every kind can be drawn in every split.

import { describe, expect, test } from "vitest";
import { createArt, heldOutSet } from "./art.ts";
import { loadCanvas } from "./canvas.ts";
import { type FontCollection, fontsOf, loadFonts } from "./fonts.ts";
import { kinds } from "./kinds.ts";
import type { Split } from "./splits.ts";
import { things } from "./things.ts";

/** The splits of each world; training draws from both. */
const worlds = [
  { world: "first", splits: ["train", "test", "held-out-fonts", "held-out-art"] },
  { world: "wide", splits: ["train", "wide-test", "wide-fonts", "wide-art"] },
] as const;
const heldOutArt: readonly Split[] = ["held-out-art", "wide-art"];
const heldOutFonts: readonly Split[] = ["held-out-fonts", "wide-fonts"];

describe.each(worlds)("the $world world", ({ world, splits }) => {
  test("the held-out set draws only the held-out split, and nothing else does there", async () => {
    const art = createArt(await loadCanvas(), "small");
    const names = [...kinds.map((kind) => `kind:${kind.id}`), ...things.map((thing) => `thing:${thing.id}`)];
    for (const split of splits) await art.prepare(names, split, world);
    for (const name of names) {
      for (const split of splits) {
        const sets = art.drawings(name, split, world).map((drawing) => drawing.set);
        expect(sets.length, `${name} in ${split}`).toBeGreaterThan(0);
        expect(sets.every((set) => (set === heldOutSet) === heldOutArt.includes(split))).toBe(true);
        // At least three designs of what is sold, so that none is learned by heart.
        if (split === "train" && name.startsWith("kind:")) expect(sets.length).toBeGreaterThanOrEqual(3);
      }
    }
  });

  test("held-out fonts write only the held-out split, and nothing else does there", async () => {
    const fonts = await loadFonts(world);
    const heldOut = splits.find((split) => heldOutFonts.includes(split))!;
    for (const script of ["latin", "chinese"] as const) {
      const held = new Set(fontsOf(fonts, heldOut, script).map((font) => font.family));
      expect(held.size).toBeGreaterThan(0);
      for (const split of splits) {
        if (split === heldOut) continue;
        const used = fontsOf(fonts, split, script).map((font) => font.family);
        expect(used.length).toBeGreaterThan(1);
        expect(used.some((family) => held.has(family))).toBe(false);
      }
    }
  });
});

test("the wide world trains on at least 60 faces and keeps 15 of its own out", async () => {
  const faces = async (collection: FontCollection, split: Split) =>
    fontsOf(await loadFonts(collection), split, "latin").map((font) => font.family);
  const [training, held] = [await faces("wide", "train"), await faces("wide", "wide-fonts")];
  expect(new Set(training).size).toBeGreaterThanOrEqual(60);
  expect(new Set(held).size).toBe(15);
  const first = await faces("first", "held-out-fonts");
  expect([...training, ...held].some((family) => first.includes(family))).toBe(false);
});
