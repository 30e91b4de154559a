/** @file Turns a decoded picture into the numbers that the vision tower reads. */
import type { RgbImage } from "./image-types.ts";
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

/**
 * Resize to the model's square, rescale and normalise: Pillow's `resize` followed by `(v / 255 - mean) / std`,
 * with the same float32 numbers as the Python processor (SiglipImageProcessor).
 *
 * @param image 8-bit RGB, [height, width, 3]
 * @param config see {@link readPreprocessorConfig}
 * @returns [3, size, size], channel by channel
 * @throws if the image's data does not have width * height * 3 bytes
 * @example
 * const pixels = preprocessImage(await loadImage("board.png"), config);
 */
export function preprocessImage(image: RgbImage, config: PreprocessorConfig): Float32Array {
  const { width, height, data } = image;
  if (data.length !== width * height * 3) {
    throw new Error(`The image is ${width}×${height} but has ${data.length} bytes; RGB needs ${width * height * 3}.`);
  }
  const { size, resample, rescaleFactor, mean, std } = config;
  const resized = resizeImage(image, size, size, resample).data; // [size, size, 3]
  const area = size * size;
  const pixels = new Float32Array(3 * area); // [3, size, size]
  for (let channel = 0; channel < 3; channel++) {
    const table = channelTable(rescaleFactor, mean[channel]!, std[channel]!);
    const plane = channel * area;
    for (let i = 0; i < area; i++) pixels[plane + i] = table[resized[i * 3 + channel]!]!;
  }
  return pixels;
}
