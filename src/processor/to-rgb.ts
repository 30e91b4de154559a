/** @file Brings decoded pixels of 1 to 4 channels to RGB, the way Pillow's `convert("RGB")` does. */
import { checkPixelLimit, type ImageLimits } from "./image-limits.ts";
import type { RawImage, RgbImage } from "./image-types.ts";
import { InputError } from "./input-error.ts";

/**
 * Repeat grey, drop alpha (it is not composited: a transparent pixel keeps the colour that the file gives it).
 *
 * @throws InputError if the data does not have width * height * channels bytes, or a limit is exceeded
 */
export function toRgb({ data, width, height, channels }: RawImage, limits: ImageLimits): RgbImage {
  checkPixelLimit(width, height, limits);
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw new InputError("invalid", "Raw pixels must be { data, width, height, channels } with data a Uint8Array.");
  }
  if (![1, 2, 3, 4].includes(channels)) {
    throw new InputError("invalid", `Raw pixels have ${channels} channels; expected 1, 2, 3 or 4.`);
  }
  const pixels = width * height;
  if (data.length !== pixels * channels) {
    throw new InputError(
      "invalid",
      `Pixels of ${width}×${height} with ${channels} channels need ${pixels * channels} bytes; got ${data.length}.`,
    );
  }
  if (channels === 3) return { data: new Uint8Array(data.buffer, data.byteOffset, data.length), width, height };
  const green = channels === 4 ? 1 : 0;
  const blue = channels === 4 ? 2 : 0;
  const rgb = new Uint8Array(pixels * 3);
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    rgb[to] = data[from]!;
    rgb[to + 1] = data[from + green]!;
    rgb[to + 2] = data[from + blue]!;
  }
  return { data: rgb, width, height };
}
