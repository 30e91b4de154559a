/** @file Near texts and pictures: hashes, bands, and what a step that looks for near duplicates keeps. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fingerprintOf } from "../../src/data/measure/fingerprint.ts";
import { runsOf, unitsOf } from "../../src/data/measure/words.ts";
import { Components } from "../../src/data/near/components.ts";
import { bandKeys, bandsFor, jaccard, shinglesOf } from "../../src/data/near/min-hash.ts";
import { loadImage } from "../../src/processor/index.ts";
import { runSteps } from "./run-steps.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-near-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("texts", () => {
  test("are words, and single characters of scripts without spaces", () => {
    expect(unitsOf("Wie viel, 3 kg? 多少")).toEqual(["wie", "viel", "3", "kg", "多", "少"]);
    expect(runsOf("a b c", 2)).toHaveLength(4);
    expect(runsOf("a", 3)).toHaveLength(2);
    expect(runsOf("  …", 3)).toHaveLength(0);
    expect(shinglesOf("One two THREE", 2)).toEqual(shinglesOf("one, two  three!", 2));
  });

  test("the similarity of two sets is what they share of all that they have", () => {
    const set = fc.uniqueArray(fc.nat(40)).map((numbers) => Uint32Array.from(numbers).sort());
    fc.assert(
      fc.property(set, set, (a, b) => {
        const both = a.filter((x) => b.includes(x)).length;
        const all = new Set([...a, ...b]).size;
        expect(jaccard(a, b)).toBeCloseTo(all === 0 ? 0 : both / all, 12);
      }),
    );
  });

  test("of the threshold's similarity share a band with 99.5 %, and far ones hardly ever", () => {
    for (const threshold of [0.5, 0.7, 0.8, 0.9]) {
      const { bands, rows } = bandsFor(threshold);
      expect(1 - (1 - threshold ** rows) ** bands).toBeGreaterThan(0.995);
    }
    expect(bandsFor(0.8)).toEqual({ bands: 21, rows: 6 });
    // 200 pairs of sets of 100 numbers, 89 of them in both: a similarity of 89 / 111.
    let shared = [0, 0];
    for (let pair = 0; pair < 200; pair++) {
      const numbers = Array.from({ length: 211 }, (_, i) => Math.imul(pair * 211 + i + 1, 0x9e3779b1) >>> 0);
      const keysOf = (list: number[]) => bandKeys(Uint32Array.from(list), bandsFor(0.8));
      const sets = [numbers.slice(0, 100), numbers.slice(11, 111), numbers.slice(111)].map(keysOf);
      const meet = (a: Uint32Array, b: Uint32Array) => Number(a.some((key, band) => key === b[band]));
      shared = [shared[0]! + meet(sets[0]!, sets[1]!), shared[1]! + meet(sets[0]!, sets[2]!)];
    }
    expect(shared[0]).toBeGreaterThanOrEqual(197);
    expect(shared[1]).toBe(0);
  });
});

test("what is connected through others belongs to the first of all", () => {
  const components = new Components(9);
  for (const [a, b] of [
    [7, 8],
    [3, 5],
    [8, 5],
    [9, 2],
  ] as const)
    components.join(a, b);
  expect([...components.rest()]).toEqual([
    [5, 3],
    [7, 3],
    [8, 3],
    [9, 2],
  ]);
});

describe("pictures", () => {
  const draw = (seed: number) => {
    const fields = Uint8Array.from({ length: 75 }, (_, i) => Math.imul(seed * 75 + i + 1, 0x9e3779b1) >>> 24);
    return sharp(fields, { raw: { width: 5, height: 5, channels: 3 } }).resize(120, 90, { fit: "fill" });
  };
  const measure = async (image: Sharp) => fingerprintOf(await loadImage(await image.toBuffer()));
  const apart = (a: bigint, b: bigint) => (a ^ b).toString(2).replaceAll("0", "").length;

  test("made smaller, brighter and compressed keep nearly all bits of their hashes; others differ in many", async () => {
    for (let seed = 0; seed < 5; seed++) {
      const picture = await draw(seed).png().toBuffer();
      const one = await measure(sharp(picture));
      const again = await measure(
        sharp(picture).resize(90, 70, { fit: "fill" }).modulate({ brightness: 1.04 }).jpeg({ quality: 50 }),
      );
      const other = await measure(draw(seed + 100).png());
      expect(apart(one.phash, again.phash) + apart(one.dhash, again.dhash)).toBeLessThanOrEqual(10);
      expect(apart(one.phash, other.phash) + apart(one.dhash, other.dhash)).toBeGreaterThan(16);
    }
  });

  test("have no entropy in one colour, one bit in two, and little sharpness when they are blurred", async () => {
    const plain = { create: { width: 16, height: 8, channels: 3 as const, background: "#808080" } };
    expect(await measure(sharp(plain).png())).toMatchObject({
      width: 16,
      height: 8,
      entropy: 0,
      blur: 0,
      color: [128, 128, 128],
    });
    const halves = Uint8Array.from({ length: 64 * 3 }, (_, i) => (Math.floor(i / 3) % 8 < 4 ? 0 : 255));
    expect((await measure(sharp(halves, { raw: { width: 8, height: 8, channels: 3 } }).png())).entropy).toBe(1);
    const picture = await draw(1).png().toBuffer();
    const [sharper, blurred] = [await measure(sharp(picture)), await measure(sharp(picture).blur(4).png())];
    expect(blurred.blur).toBeLessThan(sharper.blur);
  });
});

describe("near duplicates", () => {
  const WORDS =
    "the quick brown fox jumps over a lazy dog while seven clever owls watch from tall old trees near our quiet river bank".split(
      " ",
    );
  beforeAll(async () => {
    const create = (background: string) => sharp({ create: { width: 60, height: 40, channels: 3, background } }).png();
    const stripes = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => (i % 24 < 12 ? 20 : 230));
    const picture = await sharp(stripes, { raw: { width: 8, height: 8, channels: 3 } })
      .resize(80, 60, { fit: "fill" })
      .png()
      .toBuffer();
    await writeFile(join(folder, "a.png"), picture);
    await writeFile(
      join(folder, "a-small.jpg"),
      await sharp(picture).resize(60, 44, { fit: "fill" }).jpeg({ quality: 60 }).toBuffer(),
    );
    await create("red").toFile(join(folder, "red.png"));
    await create("green").toFile(join(folder, "green.png"));
    const answer = WORDS.join(" ");
    const changed = WORDS.with(3, "wolf").join(" ");
    const other = [...WORDS].reverse().join(" ");
    const rows = [
      { id: 1, image: "a.png", question: "What is this?", answer },
      { id: 2, image: "a-small.jpg", question: "What is this?", answer: changed },
      { id: 3, image: "red.png", question: "What is this?", answer },
      { id: 4, image: "green.png", question: "What is this?", answer },
      { id: 5, image: "a.png", question: "What is this?", answer: other },
      { id: 6, question: "What is this?", answer: changed },
      { id: 7, question: "WHAT is this", answer: `${answer}!` },
      { id: 8, image: "missing.png", question: "What is this?", answer },
      { id: 9, image: "missing.png", question: "What is this?", answer },
    ];
    await writeFile(join(folder, "near.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  });
  const kept = async (dedup: object) => {
    const { rows } = await runSteps(folder, [{ name: "u", dedup: { from: "near.jsonl", ...dedup } }]);
    return {
      ids: (await rows("u.jsonl")).map(({ id }) => id),
      report: dedup && "near" in dedup ? await rows("u.report.jsonl") : [],
    };
  };

  test("of texts: the first of what is connected stays, whatever the pictures", async () => {
    const { ids, report } = await kept({ near: { text: 0.7 } });
    expect(ids).toEqual([1, 5]);
    expect(report[0]).toEqual({ row: 2, duplicate_of: 1 });
  });

  test("of pictures: rows without one, or with one that cannot be read, are duplicates of nothing", async () => {
    expect((await kept({ near: { pictures: 10 } })).ids).toEqual([1, 3, 4, 6, 7, 8, 9]);
  });

  test("of both: another picture or another text makes another row", async () => {
    expect((await kept({ near: { pictures: 10, text: 0.7 } })).ids).toEqual([1, 3, 4, 5, 6, 8, 9]);
  });

  test("of an expression, and together with rows that agree exactly", async () => {
    expect((await kept({ near: { text: 0.7, of: "answer" } })).ids).toEqual([1, 5]);
    expect((await kept({ near: { text: 0.99, of: "answer" }, by: ["image"] })).ids).toEqual([1, 2]);
  });
});
