// Pictures of every kind decode, and every filter resizes, to the numbers that Pillow gives.
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { loadImage, type Resample, type RgbImage, resizeImage } from "../../src/processor/index.ts";
import { readJson } from "./golden.ts";
import { noise } from "./noise.ts";

interface Reference {
  pictures: { name: string; file: string; width: number; height: number; rgb: string }[];
  resizes: { source: [number, number]; target: [number, number]; resample: Resample; sha256: string }[];
}

/** Made by tools/reference/make_processor_golden.py. */
const reference = readJson<Reference>(new URL("pillow.json", import.meta.url));

/** Decoders of lossy formats may round differently; of JPEG and WebP this much, of AVIF's colour conversion too. */
const LOSSY_STEPS = 2;

function worstDifference(image: RgbImage, expected: Uint8Array): number {
  let worst = 0;
  for (let i = 0; i < expected.length; i++) worst = Math.max(worst, Math.abs(image.data[i]! - expected[i]!));
  return worst;
}

describe("decoding", () => {
  test.each(reference.pictures)("$name", async ({ name, file, width, height, rgb }) => {
    const image = await loadImage(Buffer.from(file, "base64"), { exifOrientation: false });
    const expected = Buffer.from(rgb, "base64");
    expect([image.width, image.height]).toEqual([width, height]);
    const lossy = /jpg$|avif$|^lossy/.test(name);
    expect(worstDifference(image, expected)).toBeLessThanOrEqual(lossy ? LOSSY_STEPS : 0);
  });
});

describe("resizing", () => {
  test.each(reference.resizes)("$source to $target, $resample", ({ source, target, resample, sha256 }) => {
    const [width, height] = source;
    const image = { data: noise(width * height * 3, width), width, height };
    const resized = resizeImage(image, target[0], target[1], resample);
    expect([resized.width, resized.height]).toEqual(target);
    expect(createHash("sha256").update(resized.data).digest("hex")).toBe(sha256);
  });
});
