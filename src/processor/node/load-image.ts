/** @file Loads a picture from wherever it is: memory, a file, a data: URL or the network. */
import { fileURLToPath } from "node:url";
import { decodeDataUrl } from "../data-url.ts";
import { checkByteLimit } from "../image-limits.ts";
import type { ImageInput, OpenedImage, RawImage, RgbImage } from "../image-types.ts";
import { InputError } from "../input-error.ts";
import { toRgb } from "../to-rgb.ts";
import { type DecodeImageOptions, openEncoded } from "./decode-image.ts";
import { type FetchImageOptions, fetchImage } from "./fetch-image.ts";
import { decodeInThread, isLarge } from "./picture-threads.ts";
import { readImageFile } from "./read-image-file.ts";

export interface LoadImageOptions extends DecodeImageOptions, FetchImageOptions {}

/** A scheme in front: `file:`, `ftp:`, … but not a Windows drive, which is one letter. */
const SCHEME = /^([a-z][a-z0-9+.-]+):/i;

async function bytesOfString(input: string, options: LoadImageOptions): Promise<Uint8Array> {
  const scheme = SCHEME.exec(input)?.[1]?.toLowerCase();
  if (scheme === "data") return decodeDataUrl(input, options);
  if (scheme === "http" || scheme === "https") return fetchImage(input, options);
  if (scheme === "file") return readImageFile(pathOfFileUrl(input), options);
  if (scheme !== undefined && input.startsWith("//", scheme.length + 1)) {
    throw new InputError(
      "refused",
      `Images are not loaded over ${scheme}:. Use a path, or a data:, http: or https: URL.`,
    );
  }
  return readImageFile(input, options);
}

function pathOfFileUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new InputError("invalid", `${url.slice(0, 200)} is not a file URL of this machine.`, { cause });
  }
}

/** The encoded bytes of an input, or undefined if it is pixels already. */
async function encodedBytes(input: ImageInput, options: LoadImageOptions): Promise<Uint8Array | undefined> {
  if (typeof input === "string") return bytesOfString(input, options);
  if (input instanceof URL) return bytesOfString(input.href, options);
  if (input instanceof Uint8Array) return input;
  if (input instanceof ArrayBuffer) return new Uint8Array(input);
  if (input instanceof Blob) {
    checkByteLimit(input.size, options);
    return new Uint8Array(await input.arrayBuffer());
  }
  return undefined;
}

/**
 * Read a picture's header: its size is known before its pixels are decoded. Takes and refuses what {@link loadImage} does.
 *
 * @example
 * const { width, height } = await openImage("board.png");
 */
export async function openImage(input: ImageInput, options: LoadImageOptions = {}): Promise<OpenedImage> {
  const { signal } = options;
  signal?.throwIfAborted();
  const bytes = await encodedBytes(input, options);
  signal?.throwIfAborted();
  if (bytes === undefined) {
    if (typeof input !== "object" || input === null || !("data" in input)) {
      throw new InputError("invalid", `An image cannot be made from ${input === null ? "null" : typeof input}.`);
    }
    const image = toRgb({ channels: 3, ...input } as RawImage, options);
    return { width: image.width, height: image.height, load: async () => image };
  }
  const image = { ...(await openEncoded(bytes, options)), encoded: bytes };
  signal?.throwIfAborted();
  if (!isLarge(image)) return image;
  const { exifOrientation, maxBytes, maxPixels } = options;
  return { ...image, load: () => decodeInThread(bytes, { exifOrientation, maxBytes, maxPixels }) };
}

/**
 * Load a picture as 8-bit RGB, with the pixels that Pillow's `Image.open(…).convert("RGB")` gives, upright by its
 * EXIF orientation unless `exifOrientation` is false.
 *
 * Limits on bytes and pixels hold before anything is decoded. Remote pictures come over http(s) from public addresses
 * only, unless `allowPrivateAddresses`. A string that is no URL is read as a path: pass on only strings of people who
 * may read this machine's files.
 *
 * @param input a path, a data:, file:, http: or https: URL, encoded bytes, a Blob, or pixels
 * @returns [height, width, 3]; pixels that were RGB already are not copied, those of large pictures lie in shared memory
 * @throws InputError saying what was found and expected; the signal's reason when aborted
 * @example
 * const image = await loadImage("board.png");
 * const photo = await loadImage("https://example.com/photo.jpg", { signal: AbortSignal.timeout(5000) });
 */
export async function loadImage(input: ImageInput, options: LoadImageOptions = {}): Promise<RgbImage> {
  const image = await (await openImage(input, options)).load();
  options.signal?.throwIfAborted();
  return image;
}
