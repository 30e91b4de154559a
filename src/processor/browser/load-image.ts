/** @file Loads a picture in a browser: from memory, a Blob or File, canvas pixels, or a URL that the page may fetch. */
import { decodeDataUrl } from "../data-url.ts";
import { checkByteLimit } from "../image-limits.ts";
import type { ImageInput, OpenedImage, RawImage, RgbImage } from "../image-types.ts";
import { InputError } from "../input-error.ts";
import { toRgb } from "../to-rgb.ts";
import { type DecodeImageOptions, decodeImage } from "./decode-image.ts";

export interface LoadImageOptions extends DecodeImageOptions {
  signal?: AbortSignal;
}

/** The browser's own rules (CORS) say what a page may fetch; relative and blob: URLs work too. */
async function fetchBytes(url: string, options: LoadImageOptions): Promise<Uint8Array> {
  const response = await fetch(url, { signal: options.signal ?? null });
  if (!response.ok) {
    const code = response.status === 404 ? "not-found" : "network";
    throw new InputError(code, `${url.slice(0, 200)} answered with status ${response.status}; expected an image.`);
  }
  const length = Number(response.headers.get("content-length") ?? 0);
  if (length > 0) checkByteLimit(length, options);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * Load a picture as 8-bit RGB, upright by its EXIF orientation unless `exifOrientation` is false.
 *
 * @param input a URL (absolute, relative, data: or blob:), encoded bytes, a Blob or File, ImageData, or pixels
 * @returns [height, width, 3]
 * @throws InputError saying what was found and expected; the signal's reason when aborted
 * @example
 * const image = await loadImage(fileInput.files[0]);
 */
export async function loadImage(input: ImageInput | ImageData, options: LoadImageOptions = {}): Promise<RgbImage> {
  options.signal?.throwIfAborted();
  if (typeof input === "string" || input instanceof URL) {
    const url = String(input);
    const bytes = /^data:/i.test(url) ? decodeDataUrl(url, options) : await fetchBytes(url, options);
    return decodeImage(bytes, options);
  }
  if (input instanceof Uint8Array) return decodeImage(input, options);
  if (input instanceof ArrayBuffer) return decodeImage(new Uint8Array(input), options);
  if (input instanceof Blob) {
    checkByteLimit(input.size, options);
    return decodeImage(new Uint8Array(await input.arrayBuffer()), options);
  }
  if (typeof ImageData !== "undefined" && input instanceof ImageData) {
    return toRgb(
      { data: input.data as Uint8ClampedArray, width: input.width, height: input.height, channels: 4 },
      options,
    );
  }
  return toRgb({ channels: 3, ...input } as RawImage, options);
}

/**
 * Opens a picture. A browser's decoders tell no size before they decode, so this costs what `loadImage` does.
 * @throws what `loadImage` throws
 * @example const { width, height } = await openImage(fileInput.files[0]);
 */
export async function openImage(input: ImageInput | ImageData, options: LoadImageOptions = {}): Promise<OpenedImage> {
  const image = await loadImage(input, options);
  return { width: image.width, height: image.height, load: async () => image };
}

/** Hash of size and pixels: equal for equal pictures, as the door for Node gives it. Needs a secure context (https or localhost). */
export async function hashImage({ data, width, height }: RgbImage): Promise<string> {
  const size = new TextEncoder().encode(`${width}x${height}:`);
  const bytes = new Uint8Array(size.length + data.length);
  bytes.set(size);
  bytes.set(data, size.length);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
