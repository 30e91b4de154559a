// Pictures that are decoded, hashed and resized in threads: the same numbers as without, and the same errors.
import sharp from "sharp";
import { expect, test } from "vitest";
import {
  hashImage,
  hashPicture,
  InputError,
  loadImage,
  makePicturePixels,
  makePixels,
  openImage,
  type PreprocessorConfig,
} from "../../src/processor/index.ts";

const [WIDTH, HEIGHT] = [1000, 600];
const noise = Uint8Array.from({ length: WIDTH * HEIGHT * 4 }, (_, at) => (at * 2654435761) >>> 24);
const png = await sharp(noise, { raw: { width: WIDTH, height: HEIGHT, channels: 4 } })
  .png()
  .toBuffer();
const config: PreprocessorConfig = {
  size: 64,
  resample: "bicubic",
  rescaleFactor: 1 / 255,
  mean: [0.5, 0.4, 0.3],
  std: [0.5, 0.6, 0.7],
};
const plan = {
  canvases: [{ width: 128, height: 64, columns: 2, rows: 1, frame: 0 }],
  windows: 2,
};

test("a large picture has the pixels, the hash and the windows of one that is worked on at once", async () => {
  const image = await loadImage(png);
  expect(image.data.buffer).toBeInstanceOf(SharedArrayBuffer);
  const expected = noise.filter((_, at) => at % 4 < 3);
  expect(Buffer.compare(image.data, expected)).toBe(0);
  const own = { data: expected, width: WIDTH, height: HEIGHT };
  expect(await hashPicture(image)).toBe(hashImage(own));
  expect(await hashPicture(own)).toBe(hashImage(own));
  const pixels = makePixels(own, plan, config);
  expect(await makePicturePixels(image, plan, config)).toEqual(pixels);
  expect(await makePicturePixels(own, plan, config)).toEqual(pixels);
});

test("many large pictures at once each get their own", async () => {
  const images = await Promise.all(
    [10, 20, 30, 40].map(async (level) => {
      const raw = { data: new Uint8Array(WIDTH * HEIGHT * 3).fill(level), width: WIDTH, height: HEIGHT };
      const [first] = await makePicturePixels(raw, plan, { ...config, mean: [0, 0, 0], std: [1, 1, 1] });
      return Math.round(first! * 255);
    }),
  );
  expect(images).toEqual([10, 20, 30, 40]);
});

test("a large picture that is cut off is refused as a small one is", async () => {
  const jpeg = await sharp(noise, { raw: { width: WIDTH, height: HEIGHT, channels: 4 } })
    .jpeg()
    .toBuffer();
  const image = await openImage(jpeg.subarray(0, jpeg.length / 2));
  expect([image.width, image.height]).toEqual([WIDTH, HEIGHT]);
  await expect(image.load()).rejects.toThrow(InputError);
  await expect(image.load()).rejects.toThrow(/JPEG image cannot be decoded/);
});
