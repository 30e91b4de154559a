// Hiding EXIF data changes nothing else, and survives damaged files.
import fc from "fast-check";
import sharp from "sharp";
import { expect, test } from "vitest";
import { imageFormat } from "../image-format.ts";
import { hideExif } from "./hide-exif.ts";

const picture = sharp({ create: { width: 3, height: 2, channels: 3, background: "red" } }).withMetadata({
  orientation: 6,
});

test.each(["png", "jpeg", "webp"] as const)("in %s", async (format) => {
  const bytes = await picture.clone().toFormat(format).toBuffer();
  expect((await sharp(bytes).metadata()).orientation).toBe(6);
  const hidden = hideExif(bytes, imageFormat(bytes));
  expect((await sharp(hidden).metadata()).orientation).toBeUndefined();
  expect(await sharp(hidden).raw().toBuffer()).toEqual(await sharp(bytes).raw().toBuffer());
  expect((await sharp(bytes).metadata()).orientation).toBe(6); // the original is left alone
});

test("damaged files come back no longer than they were", async () => {
  const files = await Promise.all(
    (["png", "jpeg", "webp"] as const).map((name) => picture.clone().toFormat(name).toBuffer()),
  );
  fc.assert(
    fc.property(fc.constantFrom(...files), fc.nat(), fc.nat(255), fc.nat(), (file, at, value, length) => {
      const bytes = Uint8Array.from(file.subarray(0, 16 + (length % file.length)));
      bytes[12 + (at % (bytes.length - 12))] = value;
      expect(hideExif(bytes, imageFormat(bytes)).length).toBeLessThanOrEqual(bytes.length);
    }),
  );
});
