/** @file Decodes an encoded picture to RGB with the browser's own decoders. */
import { openBmp } from "../decode-bmp.ts";
import { openGif } from "../decode-gif.ts";
import { imageFormat } from "../image-format.ts";
import { checkByteLimit, checkPixelLimit, type ImageLimits } from "../image-limits.ts";
import type { RgbImage } from "../image-types.ts";
import { InputError } from "../input-error.ts";
import { toRgb } from "../to-rgb.ts";
import { hideExif } from "./hide-exif.ts";

export interface DecodeImageOptions extends ImageLimits {
  /** Turn the picture as its EXIF orientation says. Default true. */
  exifOrientation?: boolean;
}

/** The pixels of a bitmap, through a canvas. */
function readBitmap(bitmap: ImageBitmap, limits: ImageLimits): RgbImage {
  const { width, height } = bitmap;
  checkPixelLimit(width, height, limits);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("This browser gives no 2D canvas; pictures cannot be decoded.");
  context.drawImage(bitmap, 0, 0);
  return toRgb({ data: context.getImageData(0, 0, width, height).data, width, height, channels: 4 }, limits);
}

/**
 * Decode a picture of any format that both the browser and the Node decoder know. Opaque pictures have the same
 * pixels as there; of a half-transparent pixel the canvas keeps the colour only roughly, and of a transparent one not.
 *
 * @throws InputError if the data is not a picture, cannot be decoded here (TIFF as a rule) or exceeds a limit
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeImageOptions): Promise<RgbImage> {
  checkByteLimit(bytes.length, options);
  const format = imageFormat(bytes);
  if (format === "gif") return openGif(bytes, options).load();
  if (format === "bmp") return openBmp(bytes, options).load();
  let bitmap: ImageBitmap;
  try {
    const shown = (options.exifOrientation ?? true) ? bytes : hideExif(bytes, format);
    bitmap = await createImageBitmap(new Blob([shown as Uint8Array<ArrayBuffer>]), {
      colorSpaceConversion: "none", // profiles are not applied, as in Pillow
      premultiplyAlpha: "none",
      imageOrientation: "from-image",
    });
  } catch (cause) {
    throw new InputError("invalid", `This browser cannot decode the ${format.toUpperCase()} image.`, { cause });
  }
  try {
    return readBitmap(bitmap, options);
  } finally {
    bitmap.close();
  }
}
