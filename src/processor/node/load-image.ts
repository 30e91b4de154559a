/** @file Loads a picture from wherever it is. */
import { readFile } from "node:fs/promises";
import type { ImageInput, RawImage, RgbImage } from "../image-types.ts";
import { toRgb } from "../to-rgb.ts";
import { type DecodeOptions, decodeImage } from "./decode-image.ts";

export interface LoadImageOptions extends DecodeOptions {
  signal?: AbortSignal;
}

export async function loadImage(input: ImageInput, options: LoadImageOptions = {}): Promise<RgbImage> {
  options.signal?.throwIfAborted();
  if (typeof input === "string" || input instanceof URL) return decodeImage(await readFile(input), options);
  if (input instanceof Uint8Array) return decodeImage(input, options);
  if (input instanceof ArrayBuffer) return decodeImage(new Uint8Array(input), options);
  if (input instanceof Blob) return decodeImage(new Uint8Array(await input.arrayBuffer()), options);
  return toRgb({ channels: 3, ...input } as RawImage);
}
