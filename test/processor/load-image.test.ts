// Every way to pass a picture gives the same pixels, and every wrong way a clear error.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hashImage, type ImageInput, InputError, loadImage, type RgbImage } from "../../src/processor/index.ts";
import { noise } from "./noise.ts";

const WIDTH = 5;
const HEIGHT = 3;
const pixels = noise(WIDTH * HEIGHT * 3);
const folder = mkdtempSync(join(tmpdir(), "flashvl-image-"));
const path = join(folder, "picture.png");
let png: Buffer;

beforeAll(async () => {
  png = await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .png()
    .toBuffer();
  writeFileSync(path, png);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The fault that an input leads to. */
async function fault(input: unknown, options = {}): Promise<InputError> {
  const error = await loadImage(input as ImageInput, options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
}

describe("inputs", () => {
  const expected: RgbImage = { data: pixels, width: WIDTH, height: HEIGHT };
  const percentEncoded = (bytes: Buffer) => Array.from(bytes, (b) => `%${b.toString(16).padStart(2, "0")}`).join("");
  test.each<[string, () => ImageInput]>([
    ["a path", () => path],
    ["a file: URL", () => pathToFileURL(path)],
    ["a file: URL as a string", () => pathToFileURL(path).href],
    ["a Buffer", () => png],
    ["a Uint8Array inside a larger buffer", () => new Uint8Array([0, ...png, 0]).subarray(1, png.length + 1)],
    ["an ArrayBuffer", () => new Uint8Array(png).buffer],
    ["a Blob", () => new Blob([new Uint8Array(png)])],
    ["a base64 data: URL", () => `data:image/png;base64,${png.toString("base64")}`],
    ["a base64 data: URL in capitals without a type", () => `DATA:;BASE64,${png.toString("base64")}`],
    ["a percent-encoded base64 data: URL", () => `data:;base64,${encodeURIComponent(png.toString("base64"))}`],
    ["a percent-encoded data: URL", () => `data:image/png,${percentEncoded(png)}`],
    ["RGB pixels", () => ({ data: pixels, width: WIDTH, height: HEIGHT })],
    ["raw RGB pixels", () => ({ data: pixels, width: WIDTH, height: HEIGHT, channels: 3 })],
  ])("%s", async (_, input) => {
    const image = await loadImage(input());
    expect({ ...image, data: new Uint8Array(image.data) }).toEqual(expected);
  });

  test.each([
    [1, [7], [7, 7, 7]],
    [2, [7, 99], [7, 7, 7]],
    [4, [7, 8, 9, 0], [7, 8, 9]],
  ] as const)("raw pixels of %i channels become RGB, alpha dropped", async (channels, data, rgb) => {
    const image = await loadImage({ data: Uint8Array.from(data), width: 1, height: 1, channels });
    expect([...image.data]).toEqual(rgb);
  });
});

describe("EXIF orientation", () => {
  // A picture whose upright form has six different pixels, stored under each orientation.
  test.each([1, 2, 3, 4, 5, 6, 7, 8])("%i is honoured by default and ignored on request", async (orientation) => {
    const upright = { data: noise(6 * 3), width: 3, height: 2 };
    const stored = await sharp(upright.data, { raw: { width: 3, height: 2, channels: 3 } })
      .png()
      .withMetadata({ orientation })
      .toBuffer();
    const asStored = await loadImage(stored, { exifOrientation: false });
    expect(asStored).toEqual({ ...upright, data: expect.anything() });
    expect([...asStored.data]).toEqual([...upright.data]);
    const turned = await loadImage(stored);
    const at = (x: number, y: number) => [...upright.data.subarray((y * 3 + x) * 3, (y * 3 + x) * 3 + 3)];
    // Where the stored top left pixel belongs, by the EXIF table: rows and columns counted from the named sides.
    const swaps = orientation >= 5;
    expect([turned.width, turned.height]).toEqual(swaps ? [2, 3] : [3, 2]);
    const right = [2, 3, 6, 7].includes(orientation);
    const bottom = [3, 4, 7, 8].includes(orientation);
    const x = right ? turned.width - 1 : 0;
    const y = bottom ? turned.height - 1 : 0;
    const start = (y * turned.width + x) * 3;
    expect([...turned.data.subarray(start, start + 3)]).toEqual(at(0, 0));
  });
});

test("colour profiles are not applied, as in Pillow", async () => {
  const raw = { raw: { width: WIDTH, height: HEIGHT, channels: 3 } } as const;
  const tagged = await sharp(pixels, raw).withIccProfile("p3").png().toBuffer();
  const stored = await sharp(tagged, { ignoreIcc: true }).raw().toBuffer();
  const { data } = await loadImage(tagged);
  expect([...data]).toEqual([...stored]);
  expect([...data]).not.toEqual([...pixels]); // what applying the profile leads back to
});

test("an aborted signal stops loading with its reason", async () => {
  const reason = new Error("enough");
  await expect(loadImage(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test("hashImage tells pixels and sizes apart, and nothing else", () => {
  const image = { data: pixels, width: WIDTH, height: HEIGHT };
  expect(hashImage(image)).toBe(hashImage({ ...image, data: pixels.slice() }));
  expect(hashImage(image)).not.toBe(hashImage({ ...image, width: HEIGHT, height: WIDTH }));
  expect(hashImage(image)).not.toBe(hashImage({ ...image, data: pixels.map((v) => v ^ 1) }));
});

describe("limits hold before decoding", () => {
  test("on encoded bytes, of memory, Blob and file", async () => {
    const limit = { maxBytes: png.length - 1 };
    for (const input of [png, path, new Blob([new Uint8Array(png)])]) {
      expect(await fault(input, limit)).toMatchObject({
        code: "too-large",
        message: expect.stringContaining("maxBytes"),
      });
    }
    expect(await fault(`data:;base64,${"A".repeat(10_000)}`, { maxBytes: 100 })).toMatchObject({ code: "too-large" });
  });

  test("on pixels", async () => {
    const error = await fault(png, { maxPixels: WIDTH * HEIGHT - 1 });
    expect(error.code).toBe("too-large");
    expect(error.message).toBe(
      "The image is 5×3 = 15 pixels; the limit is 14. Send a smaller picture, or raise the option maxPixels.",
    );
    await loadImage(png, { maxPixels: WIDTH * HEIGHT });
  });

  test("on pixels that are passed as such", async () => {
    expect((await fault({ data: pixels, width: WIDTH, height: HEIGHT }, { maxPixels: 14 })).code).toBe("too-large");
  });
});

describe("what is no picture", () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
  test.each<[string, () => unknown, string, RegExp]>([
    ["a missing file", () => join(folder, "none.png"), "not-found", /none\.png" cannot be read: there is no such file/],
    ["a path through a file", () => join(path, "x.png"), "not-found", /not a folder/],
    ["a folder", () => folder, "invalid", /not a regular file/],
    ["a path with a null character", () => "a\0b", "not-found", /null character/],
    ["an empty path", () => "", "not-found", /no such file/],
    ["a very long string", () => "A".repeat(100_000), "not-found", /name is too long/],
    ["another scheme", () => "ftp://example.com/x.png", "refused", /not loaded over ftp:/],
    ["a file URL of another machine", () => "file://host/x.png", "invalid", /not a file URL/],
    ["no bytes", () => new Uint8Array(0), "invalid", /empty/],
    ["text", () => Buffer.from("hello, world"), "invalid", /begins with 68 65 6c 6c 6f 2c 20 77/],
    ["SVG", () => Buffer.from(svg), "invalid", /known format/],
    ["SVG in a data: URL", () => `data:image/svg+xml,${encodeURIComponent(svg)}`, "invalid", /known format/],
    ["a cut off PNG", () => png.subarray(0, 40), "invalid", /PNG image cannot be decoded/],
    ["a data: URL without a comma", () => "data:image/png;base64", "invalid", /no comma/],
    ["a data: URL with wrong base64", () => "data:;base64,!!!!", "invalid", /not valid base64/],
    ["a data: URL with wrong percent signs", () => "data:,%zz", "invalid", /hexadecimal/],
    ["an empty data: URL", () => "data:,", "invalid", /empty/],
    ["too few pixels", () => ({ data: new Uint8Array(5), width: 2, height: 1 }), "invalid", /need 6 bytes; got 5/],
    ["pixels of no size", () => ({ data: new Uint8Array(0), width: 0, height: 1 }), "invalid", /from 1 up/],
    ["pixels of five channels", () => ({ data: pixels, width: 1, height: 9, channels: 5 }), "invalid", /5 channels/],
    ["pixels in a list", () => ({ data: [1, 2, 3], width: 1, height: 1 }), "invalid", /Uint8Array/],
    ["null", () => null, "invalid", /null/],
    ["a number", () => 7, "invalid", /number/],
    ["another object", () => ({ image: "x" }), "invalid", /object/],
  ])("%s", async (_, input, code, message) => {
    expect(await fault(input())).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test.skipIf(process.platform === "win32")("a pipe is refused at once, not waited for", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    expect(await fault(pipe)).toMatchObject({ code: "invalid", message: expect.stringContaining("regular file") });
  });
});
