/** @file How much a picture may cost before it is decoded, and the check that enforces it. */
import { InputError } from "./input-error.ts";

/** Largest encoded picture accepted, in bytes: a 100-megapixel photograph is below this, a disk image is not. */
export const MAX_IMAGE_BYTES = 64 * 1024 * 1024;

/** Largest decoded picture accepted, in pixels: 100 megapixels are 300 MB of RGB, about what a small server can hold once. */
export const MAX_IMAGE_PIXELS = 100_000_000;

/** Limits a caller may change; each has the constant of the same meaning as default. */
export interface ImageLimits {
  /** Encoded size in bytes; default {@link MAX_IMAGE_BYTES}. */
  maxBytes?: number;
  /** Decoded size in pixels; default {@link MAX_IMAGE_PIXELS}. */
  maxPixels?: number;
}

/** Refuse encoded data that is empty or larger than the limit. */
export function checkByteLimit(bytes: number, { maxBytes = MAX_IMAGE_BYTES }: ImageLimits): void {
  if (bytes === 0) throw new InputError("invalid", "The image is empty (0 bytes). Pass the whole encoded file.");
  if (!(bytes <= maxBytes)) {
    throw new InputError(
      "too-large",
      `The image has ${bytes} bytes; the limit is ${maxBytes}. Send a smaller file, or raise the option maxBytes.`,
    );
  }
}

/** Refuse sizes that are not positive whole numbers, or with more pixels than the limit. */
export function checkPixelLimit(width: number, height: number, { maxPixels = MAX_IMAGE_PIXELS }: ImageLimits): void {
  if (!Number.isSafeInteger(width) || !Number.isSafeInteger(height) || width < 1 || height < 1) {
    throw new InputError(
      "invalid",
      `The image says it is ${width}×${height} pixels; width and height must be whole numbers from 1 up.`,
    );
  }
  if (!(width * height <= maxPixels)) {
    throw new InputError(
      "too-large",
      `The image is ${width}×${height} = ${width * height} pixels; the limit is ${maxPixels}. ` +
        "Send a smaller picture, or raise the option maxPixels.",
    );
  }
}
