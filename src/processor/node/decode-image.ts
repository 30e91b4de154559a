/** @file Decodes an encoded picture to RGB. sharp only decodes: resizing is ours, and so are the formats it lacks. */
import type { Metadata, Sharp } from "sharp";
import { openBmp } from "../decode-bmp.ts";
import { openGif } from "../decode-gif.ts";
import { imageFormat } from "../image-format.ts";
import { checkByteLimit, checkPixelLimit, type ImageLimits, MAX_IMAGE_PIXELS } from "../image-limits.ts";
import type { OpenedImage, RgbImage } from "../image-types.ts";
import { InputError } from "../input-error.ts";
import { toRgb } from "../to-rgb.ts";

export interface DecodeImageOptions extends ImageLimits {
  /**
   * Turn the picture as its EXIF orientation says. Default true; Python's reference pipeline does not, so false
   * gives its pixels.
   */
  exifOrientation?: boolean;
}

/**
 * Loads sharp, which decodes. A server does so before it takes requests: an import that fails once, such as under too many
 * open files, fails for as long as the process runs.
 * @throws Error when sharp cannot be loaded here
 */
export async function loadDecoder(): Promise<void> {
  await import("sharp");
}

/** 16-bit grey, clipped at 255 as Pillow's `convert("RGB")` does. */
async function decodeGrey16(image: Sharp, limits: ImageLimits): Promise<RgbImage> {
  const { data, info } = await image
    .toColourspace("grey16")
    .raw({ depth: "ushort" })
    .toBuffer({ resolveWithObject: true });
  const levels = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  return toRgb({ data: Uint8ClampedArray.from(levels), width: info.width, height: info.height, channels: 1 }, limits);
}

/** CMYK without a colour profile: each of red, green and blue is what its ink and black leave of the light. */
async function decodeCmyk(image: Sharp, limits: ImageLimits): Promise<RgbImage> {
  const { data, info } = await image
    .pipelineColourspace("cmyk")
    .toColourspace("cmyk")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    const light = 255 - data[from + 3]!;
    for (let i = 0; i < 3; i++) {
      const product = data[from + i]! * light + 128;
      rgb[to + i] = light - (((product >> 8) + product) >> 8); // product / 255, rounded (Pillow, MULDIV255)
    }
  }
  return toRgb({ data: rgb, width, height, channels: 3 }, limits);
}

function decodePixels(image: Sharp, metadata: Metadata, limits: ImageLimits): Promise<RgbImage> {
  if (metadata.space === "grey16" && !metadata.hasAlpha) return decodeGrey16(image, limits);
  if (metadata.space === "cmyk") return decodeCmyk(image, limits);
  return image
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true })
    .then(({ data, info }) =>
      toRgb({ data, width: info.width, height: info.height, channels: info.channels as 1 | 2 | 3 | 4 }, limits),
    );
}

/**
 * Read the header of PNG, JPEG, WebP, GIF (first frame), AVIF, TIFF (first page) or BMP, whose `load` gives the pixels
 * that Pillow's `convert("RGB")` gives: alpha dropped, palettes looked up, colour profiles not applied, 16-bit colour cut to its
 * high byte and 16-bit grey clipped at 255.
 *
 * @throws InputError if the data is not such a picture, is damaged or cut off, or exceeds a limit (found from the
 * header, before decoding)
 */
export async function openEncoded(bytes: Uint8Array, options: DecodeImageOptions): Promise<OpenedImage> {
  checkByteLimit(bytes.length, options);
  const format = imageFormat(bytes);
  if (format === "gif") return openGif(bytes, options);
  if (format === "bmp") return openBmp(bytes, options);
  const { default: sharp } = await import("sharp"); // only when needed: loading it takes longer than a text prompt
  const { exifOrientation = true, maxPixels = MAX_IMAGE_PIXELS } = options;
  const image = sharp(bytes, {
    limitInputPixels: false, // our own check below speaks more clearly; it comes before any pixel is decoded
    failOn: "error",
    ignoreIcc: true,
    autoOrient: exifOrientation,
  });
  const explained = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof InputError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new InputError("invalid", `The ${format.toUpperCase()} image cannot be decoded: ${reason}.`, { cause });
    }
  };
  return explained(async () => {
    const metadata = await image.metadata();
    checkPixelLimit(metadata.width, metadata.height, { maxPixels });
    // Orientations 5 to 8 lie on their side.
    const turned = exifOrientation && (metadata.orientation ?? 1) >= 5;
    const [width, height] = turned ? [metadata.height, metadata.width] : [metadata.width, metadata.height];
    return { width, height, load: () => explained(() => decodePixels(image.clone(), metadata, options)) };
  });
}
