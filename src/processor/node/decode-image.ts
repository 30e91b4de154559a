/** @file Decodes an encoded picture to RGB with sharp, which only decodes: resizing is ours. */
import sharp from "sharp";
import { checkByteLimit, checkPixelLimit, type ImageLimits, MAX_IMAGE_PIXELS } from "../image-limits.ts";
import type { RgbImage } from "../image-types.ts";
import { toRgb } from "../to-rgb.ts";

export interface DecodeOptions extends ImageLimits {
  exifOrientation?: boolean;
}

export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<RgbImage> {
  checkByteLimit(bytes.length, options);
  const { exifOrientation = true, maxPixels = MAX_IMAGE_PIXELS } = options;
  const image = sharp(bytes, {
    limitInputPixels: maxPixels,
    failOn: "error",
    ignoreIcc: true,
    autoOrient: exifOrientation,
  });
  const { width, height } = await image.metadata();
  checkPixelLimit(width, height, options);
  const { data, info } = await image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  return toRgb({ data, width: info.width, height: info.height, channels: info.channels as 1 | 2 | 3 | 4 });
}
