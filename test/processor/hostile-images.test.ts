// Damaged and hostile pictures give a picture or an InputError: no crash, no other error, no large allocation.
import { crc32, deflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError, loadImage, type RgbImage } from "../../src/processor/index.ts";
import { readJson } from "./golden.ts";
import { FUZZ_RUNS } from "./noise.ts";

const { pictures } = readJson<{ pictures: { name: string; file: string }[] }>(new URL("pillow.json", import.meta.url));
const files = pictures.map(({ name, file }) => ({ name, bytes: Buffer.from(file, "base64") }));
/** Small, so that whatever a damaged header claims costs little. */
const MAX_PIXELS = 1_000_000;

/** A picture that is what it says, or undefined where the input was refused as it should be. */
async function load(bytes: Uint8Array): Promise<RgbImage | undefined> {
  let image: RgbImage;
  try {
    image = await loadImage(bytes, { maxPixels: MAX_PIXELS });
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).message.length).toBeGreaterThan(20);
    return undefined;
  }
  expect(image.data.length).toBe(image.width * image.height * 3);
  expect(image.width * image.height).toBeLessThanOrEqual(MAX_PIXELS);
  return image;
}

describe("fuzzed files", () => {
  const anyFile = fc.constantFrom(...files);

  test("cut off anywhere", async () => {
    await fc.assert(
      fc.asyncProperty(anyFile, fc.double({ min: 0, max: 1, noNaN: true }), async ({ bytes }, share) => {
        await load(bytes.subarray(0, Math.floor(bytes.length * share)));
      }),
      { numRuns: FUZZ_RUNS * 2 },
    );
  });

  test("with a few bytes changed", async () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(anyFile, changes, async ({ bytes }, list) => {
        const changed = Uint8Array.from(bytes);
        // Headers decide most, so half of the changes land there.
        for (const [at, value] of list)
          changed[at % (at % 2 === 0 ? Math.min(64, changed.length) : changed.length)] = value;
        await load(changed);
      }),
      { numRuns: FUZZ_RUNS * 4 },
    );
  });

  test("random bytes behind the first bytes of a format", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyFile,
        fc.nat({ max: 40 }),
        fc.uint8Array({ maxLength: 300 }),
        async ({ bytes }, keep, tail) => {
          await load(Buffer.concat([bytes.subarray(0, keep), tail]));
        },
      ),
      { numRuns: FUZZ_RUNS * 2 },
    );
  });

  test("parts of two files", async () => {
    await fc.assert(
      fc.asyncProperty(anyFile, anyFile, fc.nat({ max: 200 }), async (head, tail, cut) => {
        await load(Buffer.concat([head.bytes.subarray(0, cut), tail.bytes.subarray(cut)]));
      }),
      { numRuns: FUZZ_RUNS },
    );
  });
});

// Half of the animation still has its first frame whole.
test.each(files.filter(({ name }) => name !== "animated.gif"))("half of $name is no picture", async ({ bytes }) => {
  expect(await load(bytes.subarray(0, bytes.length / 2))).toBeUndefined();
});

describe("picture bombs are refused by what their header says", () => {
  const chunk = (kind: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(kind, "latin1"), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const png = (width: number, height: number, data: Uint8Array) => {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    header.set([8, 2], 8);
    const magic = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
    return Buffer.concat([magic, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
  };
  const original = (name: string) => Buffer.from(files.find((file) => file.name === name)!.bytes);
  const patched = (name: string, at: number, patch: (bytes: Buffer, at: number) => void) => {
    const bytes = original(name);
    patch(bytes, at);
    return bytes;
  };
  /** Where a word of the format begins, plus `offset`. */
  const offsetOf = (name: string, word: string, offset: number) => original(name).indexOf(word, 0, "latin1") + offset;
  const jpegSize = original("rgb.jpg").indexOf(Buffer.from([0xff, 0xc0])) + 5;

  test.each<[string, Buffer]>([
    ["a PNG of 50,000×50,000 in 30 kB", png(50_000, 50_000, deflateSync(Buffer.alloc(30_000_000)))],
    ["a PNG of 2³¹-1 squared", png(2 ** 31 - 1, 2 ** 31 - 1, Buffer.alloc(0))],
    ["a JPEG of 65,500×65,500", patched("rgb.jpg", jpegSize, (b, at) => b.writeUInt32BE(0xffdcffdc, at))],
    ["a GIF screen of 65,535×65,535", patched("palette.gif", 6, (b, at) => b.writeUInt32LE(0xffffffff, at))],
    [
      "a BMP of 2³¹-1 squared",
      patched(
        "rle8.bmp",
        18,
        (b, at) => b.fill(0xff, at, at + 8) && b.writeInt32LE(2 ** 31 - 1, at) && b.writeInt32LE(2 ** 31 - 1, at + 4),
      ),
    ],
    [
      "a TIFF of 2³¹-1 squared",
      // Values of the first two entries of the directory at byte 8: ImageWidth and ImageLength.
      patched("rgb.tiff", 18, (b, at) => b.writeUInt32LE(2 ** 31 - 1, at) && b.writeUInt32LE(2 ** 31 - 1, at + 12)),
    ],
    ["a BMP of -2³¹ rows", patched("rle8.bmp", 22, (b, at) => b.writeInt32LE(-(2 ** 31), at))],
  ])("%s", async (_, bytes) => {
    await expect(loadImage(bytes)).rejects.toMatchObject({
      name: "InputError",
      code: expect.stringMatching(/too-large|invalid/),
    });
  });

  test.each<[string, Buffer]>([
    [
      "a lossless WebP of 16,383×16,383",
      // Behind the signature byte stand 14 bits of width - 1 and 14 of height - 1.
      patched("rgb.webp", offsetOf("rgb.webp", "VP8L", 9), (b, at) => b.writeUInt32LE(16_382 * (1 + 2 ** 14), at)),
    ],
    [
      "a lossy WebP of 16,383×16,383",
      patched("lossy.webp", offsetOf("lossy.webp", "VP8 ", 14), (b, at) => b.writeUInt32LE(16_383 * (1 + 2 ** 16), at)),
    ],
    [
      "an AVIF of 65,535×65,535",
      patched("rgb.avif", offsetOf("rgb.avif", "ispe", 8), (b, at) => b.writeBigUInt64BE(0xffff_0000_ffffn, at)),
    ],
    [
      "a TIFF of 65,535×65,535",
      patched("rgb.tiff", 18, (b, at) => b.writeUInt32LE(65_535, at) && b.writeUInt32LE(65_535, at + 12)),
    ],
  ])("%s, by the limit on pixels", async (_, bytes) => {
    await expect(loadImage(bytes)).rejects.toMatchObject({ name: "InputError", code: "too-large" });
  });

  test("a small PNG whose data unpacks to far more than its size needs is only a small picture", async () => {
    const image = await loadImage(png(2, 2, deflateSync(Buffer.alloc(50_000_000)))).catch((error: unknown) => error);
    if (image instanceof Error) expect(image).toBeInstanceOf(InputError);
    else expect((image as RgbImage).data.length).toBe(12);
  });
});

test("hundreds of broken pictures leave no memory behind", async () => {
  const broken = original();
  await Promise.all(Array.from({ length: 50 }, () => load(broken)));
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 300; i++) await load(broken);
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
});

function original(): Uint8Array {
  const { bytes } = files.find(({ name }) => name === "rgb.jpg")!;
  return bytes.subarray(0, bytes.length - 100);
}
