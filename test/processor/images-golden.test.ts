// Pixels equal to what Pillow and NumPy compute.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { loadImage, preprocessImage, readPreprocessorConfig } from "../../src/processor/index.ts";
import { readFloatTensors, readJson, STATIC_TINY } from "./golden.ts";

const config = readPreprocessorConfig(readJson(new URL("preprocessor_config.json", STATIC_TINY)));
const expected = readFloatTensors(new URL("expected.safetensors", STATIC_TINY), "pixels/");
const images = readdirSync(new URL("images/", STATIC_TINY));

describe("pixels against the Python reference", () => {
  test("every image of the reference is there", () => {
    expect(images.length).toBe(11);
    expect(expected.size).toBe(11);
  });

  test.each(images)("%s", async (name) => {
    const image = await loadImage(fileURLToPath(new URL(`images/${name}`, STATIC_TINY)));
    const pixels = preprocessImage(image, config);
    const reference = expected.get(`pixels/${name}`)!;
    expect(pixels.length).toBe(3 * 128 * 128);
    let worst = 0;
    for (let i = 0; i < pixels.length; i++) worst = Math.max(worst, Math.abs(pixels[i]! - reference[i]!));
    if (name.endsWith(".jpg"))
      expect(worst).toBeLessThanOrEqual(2 / 255); // decoders may round differently
    else expect(Buffer.from(pixels.buffer).equals(Buffer.from(reference.buffer))).toBe(true); // bit for bit
  });
});
