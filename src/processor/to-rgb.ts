/** @file Brings decoded pixels of 1 to 4 channels to RGB, the way Pillow's `convert("RGB")` does. */
import type { RawImage, RgbImage } from "./image-types.ts";

/**
 * Repeat grey, drop alpha (it is not composited: a transparent pixel keeps the colour that the file gives it).
 *
 * @throws if the data does not have width * height * channels bytes
 */
export function toRgb({ data, width, height, channels }: RawImage): RgbImage {
  const pixels = width * height;
  if (data.length !== pixels * channels) {
    throw new Error(
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
