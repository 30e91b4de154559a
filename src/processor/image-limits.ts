/** @file How much a picture may cost before it is decoded, and the check that enforces it. */

/** Largest encoded picture accepted, in bytes: a 100-megapixel photograph is below this, a disk image is not. */
export const MAX_IMAGE_BYTES = 64 * 1024 * 1024;

/** Largest decoded picture accepted, in pixels: 100 megapixels are 300 MB of RGB, about what a small server can hold once. */
export const MAX_IMAGE_PIXELS = 100_000_000;

/** Limits a caller may change; each has the constant of the same meaning as default. */
export interface ImageLimits {
  /** Default {@link MAX_IMAGE_BYTES}. */
  maxBytes?: number;
  /** Default {@link MAX_IMAGE_PIXELS}. */
  maxPixels?: number;
}

/** Refuse encoded data that is empty or larger than the limit. */
export function checkByteLimit(bytes: number, limits: ImageLimits | undefined): void {
  const most = limits?.maxBytes ?? MAX_IMAGE_BYTES;
  if (bytes === 0) throw new Error("The image is empty (0 bytes). Pass the whole encoded file.");
  if (bytes > most) {
    throw new Error(
      `The image has ${bytes} bytes; the limit is ${most}. Send a smaller file, or raise the option maxBytes.`,
    );
  }
}

/** Refuse sizes that are not positive whole numbers, or with more pixels than the limit. */
export function checkPixelLimit(width: number, height: number, limits: ImageLimits | undefined): void {
  const most = limits?.maxPixels ?? MAX_IMAGE_PIXELS;
  if (!Number.isSafeInteger(width) || !Number.isSafeInteger(height) || width < 1 || height < 1) {
    throw new Error(
      `The image says it is ${width}×${height} pixels; width and height must be whole numbers from 1 up.`,
    );
  }
  if (width * height > most) {
    throw new Error(
      `The image is ${width}×${height} = ${width * height} pixels; the limit is ${most}. ` +
        "Send a smaller picture, or raise the option maxPixels.",
    );
  }
}
