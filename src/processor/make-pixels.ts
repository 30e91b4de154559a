/** @file Turns a decoded picture into the numbers that the vision tower reads. */
import type { RgbImage } from "./image-types.ts";
import { type Canvas, type PicturePlan, square, windowSize } from "./picture-plan.ts";
import type { PreprocessorConfig } from "./preprocessor-config.ts";
import { resizeImage } from "./resize.ts";

/**
 * The 256 values one channel can take after `(v * rescale - mean) / std`, each step in float32 as NumPy does it.
 */
function channelTable(rescaleFactor: number, mean: number, std: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, value) => {
    const rescaled = Math.fround(value * rescaleFactor);
    return Math.fround(rescaled - Math.fround(mean)) / Math.fround(std);
  });
}

const clamp = (at: number, low: number, high: number): number => Math.min(high, Math.max(low, at));

/**
 * Where each of a window's `length` places on one axis is read from; -1 for places that show nothing.
 * @param start of the window without its frame
 * @param core length without the frame
 * @param whole length of the canvas
 */
function sources(start: number, core: number, whole: number, { frame, filling = "neighbour" }: Canvas): Int32Array {
  const [low, high] = filling === "neighbour" ? [0, whole - 1] : [start, start + core - 1];
  return Int32Array.from({ length: core + 2 * frame }, (_, i) => {
    const at = start - frame + i;
    return filling === "grey" && at !== clamp(at, low, high) ? -1 : clamp(at, low, high);
  });
}

/** Writes the windows of a canvas one after the other, each [3, height, width], to `target`, whose numbers are 0: the mean colour. */
function writeWindows({ data }: RgbImage, canvas: Canvas, tables: readonly Float32Array[], target: Float32Array): void {
  const { columns, rows, width, height } = canvas;
  const size = windowSize(canvas);
  const area = size.width * size.height;
  let at = 0;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, at += 3 * area) {
      const inLine = sources((column * width) / columns, width / columns, width, canvas);
      const lines = sources((row * height) / rows, height / rows, height, canvas);
      const [first, last] = [inLine.findIndex((x) => x >= 0), inLine.findLastIndex((x) => x >= 0)];
      for (let channel = 0; channel < 3; channel++) {
        const table = tables[channel]!;
        for (let y = 0, to = at + channel * area; y < size.height; y++, to += size.width) {
          if (lines[y]! < 0) continue;
          const line = 3 * width * lines[y]! + channel;
          for (let x = first; x <= last; x++) target[to + x] = table[data[line + 3 * inLine[x]!]!]!;
        }
      }
    }
}

/**
 * The windows of a plan, rescaled and normalised: Pillow's `resize` followed by `(v / 255 - mean) / std`, with the same float32
 * numbers as the Python processors.
 *
 * @param image 8-bit RGB, [height, width, 3]
 * @param config see {@link readPreprocessorConfig}
 * @returns [windows, 3, height, width], channel by channel
 * @throws if the image's data does not have width * height * 3 bytes
 * @example
 * const pixels = makePixels(await loadImage("board.png"), plan, config);
 */
export function makePixels(
  image: RgbImage,
  { canvases, windows }: Pick<PicturePlan, "canvases" | "windows">,
  { resample, rescaleFactor, mean, std }: PreprocessorConfig,
): Float32Array {
  const { width, height, data } = image;
  if (data.length !== width * height * 3) {
    throw new Error(`The image is ${width}×${height} but has ${data.length} bytes; RGB needs ${width * height * 3}.`);
  }
  const tables = mean.map((value, channel) => channelTable(rescaleFactor, value, std[channel]!));
  const size = windowSize(canvases[0]!);
  const each = 3 * size.width * size.height;
  const pixels = new Float32Array(windows * each);
  let at = 0;
  for (const canvas of canvases) {
    const resized = resizeImage(image, canvas.width, canvas.height, resample);
    writeWindows(resized, canvas, tables, pixels.subarray(at));
    at += canvas.columns * canvas.rows * each;
  }
  return pixels;
}

/**
 * The whole picture as one square of `config.size` pixels.
 *
 * @returns [3, size, size], channel by channel
 * @example
 * const pixels = preprocessImage(await loadImage("board.png"), config);
 */
export const preprocessImage = (image: RgbImage, config: PreprocessorConfig): Float32Array =>
  makePixels(image, { canvases: [square(config.size)], windows: 1 }, config);
