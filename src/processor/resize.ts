/** @file Resizes 8-bit RGB pictures with exactly the numbers that Pillow's `Image.resize` gives. */
import type { RgbImage } from "./image-types.ts";

/** Filters, by Pillow's names. All but `nearest` are antialiased: their support grows with the reduction. */
export type Resample = "nearest" | "bilinear" | "bicubic" | "lanczos";

/** Fraction bits of a fixed-point coefficient: 32 bits less 8 of the pixel and 2 of headroom (Pillow, libImaging/Resample.c). */
const PRECISION_BITS = 22;

/** For each output position: the first input position, how many inputs count, and their fixed-point weights. */
interface Taps {
  first: Int32Array; // [outSize]
  count: Int32Array; // [outSize]
  weights: Int32Array; // [outSize, stride]
  stride: number;
}

interface Filter {
  support: number;
  weight(x: number): number;
}

function sinc(x: number): number {
  if (x === 0) return 1;
  const angle = x * Math.PI;
  return Math.sin(angle) / angle;
}

const FILTERS: Record<Exclude<Resample, "nearest">, Filter> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    weight(x) {
      const a = -0.5;
      const t = Math.abs(x);
      if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
      return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function computeTaps(inSize: number, outSize: number, filter: Filter): Taps {
  const scale = inSize / outSize;
  const filterScale = Math.max(scale, 1);
  const support = filter.support * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const taps: Taps = {
    first: new Int32Array(outSize),
    count: new Int32Array(outSize),
    weights: new Int32Array(outSize * stride),
    stride,
  };
  const exact = new Float64Array(stride);
  const inverse = 1 / filterScale;
  for (let out = 0; out < outSize; out++) {
    const center = (out + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(inSize, Math.trunc(center + support + 0.5)) - first;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const weight = filter.weight((i + first - center + 0.5) * inverse);
      exact[i] = weight;
      sum += weight;
    }
    for (let i = 0; i < count; i++) {
      const weight = sum === 0 ? exact[i]! : exact[i]! / sum;
      // Rounded half away from zero, as C's (int)(0.5 + x).
      taps.weights[out * stride + i] = Math.trunc(weight * (1 << PRECISION_BITS) + (weight < 0 ? -0.5 : 0.5));
    }
    taps.first[out] = first;
    taps.count[out] = count;
  }
  return taps;
}

/** Pictures of one size often come in rows (a video, a benchmark), so the last few tables are kept. */
const TAPS_KEPT = 16;
const tapsCache = new Map<string, Taps>();

function tapsFor(inSize: number, outSize: number, resample: Exclude<Resample, "nearest">): Taps {
  const key = `${resample}:${inSize}:${outSize}`;
  let taps = tapsCache.get(key);
  if (taps === undefined) taps = computeTaps(inSize, outSize, FILTERS[resample]);
  else tapsCache.delete(key); // re-inserted below as the most recent
  tapsCache.set(key, taps);
  if (tapsCache.size > TAPS_KEPT) tapsCache.delete(tapsCache.keys().next().value!);
  return taps;
}

const HALF = 1 << (PRECISION_BITS - 1);

/** [height, width, 3] → [height, outWidth, 3] */
function resizeRows(input: Uint8Array, width: number, height: number, outWidth: number, taps: Taps): Uint8Array {
  const { first, count, weights, stride } = taps;
  const output = new Uint8ClampedArray(height * outWidth * 3);
  let target = 0;
  for (let y = 0; y < height; y++) {
    const row = y * width * 3;
    for (let x = 0; x < outWidth; x++) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let source = row + first[x]! * 3;
      let tap = x * stride;
      for (const end = tap + count[x]!; tap < end; tap++, source += 3) {
        const weight = weights[tap]!;
        red = (red + Math.imul(input[source]!, weight)) | 0;
        green = (green + Math.imul(input[source + 1]!, weight)) | 0;
        blue = (blue + Math.imul(input[source + 2]!, weight)) | 0;
      }
      output[target++] = red >> PRECISION_BITS;
      output[target++] = green >> PRECISION_BITS;
      output[target++] = blue >> PRECISION_BITS;
    }
  }
  return new Uint8Array(output.buffer);
}

/** [height, width, 3] → [outHeight, width, 3]; whole rows are summed so that memory is read in order. */
function resizeColumns(input: Uint8Array, width: number, outHeight: number, taps: Taps): Uint8Array {
  const { first, count, weights, stride } = taps;
  const rowLength = width * 3;
  const output = new Uint8ClampedArray(outHeight * rowLength);
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < outHeight; y++) {
    sums.fill(HALF);
    for (let i = 0; i < count[y]!; i++) {
      const weight = weights[y * stride + i]!;
      const row = (first[y]! + i) * rowLength;
      for (let x = 0; x < rowLength; x++) sums[x] = (sums[x]! + Math.imul(input[row + x]!, weight)) | 0;
    }
    const row = y * rowLength;
    for (let x = 0; x < rowLength; x++) output[row + x] = sums[x]! >> PRECISION_BITS;
  }
  return new Uint8Array(output.buffer);
}

/** The input position under the middle of each output position, stepping as Pillow does: its rounding adds up too. */
function nearestPositions(inSize: number, outSize: number): Int32Array {
  const step = inSize / outSize;
  let position = step * 0.5;
  return Int32Array.from({ length: outSize }, () => {
    const at = Math.min(Math.trunc(position), inSize - 1);
    position += step;
    return at;
  });
}

function resizeNearest(image: RgbImage, width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  const columns = nearestPositions(image.width, width);
  let target = 0;
  for (const y of nearestPositions(image.height, height)) {
    for (const x of columns) {
      const source = (y * image.width + x) * 3;
      data[target++] = image.data[source]!;
      data[target++] = image.data[source + 1]!;
      data[target++] = image.data[source + 2]!;
    }
  }
  return { data, width, height };
}

/**
 * Resize a picture to exactly `width`×`height` (no aspect ratio kept), as Pillow's `image.resize((width, height), filter)`:
 * a horizontal pass, rounding to 8 bits, then a vertical pass, with 22-bit fixed-point weights; a pass that
 * would change nothing is left out. Source of the method: Pillow, `src/libImaging/Resample.c`.
 *
 * @param image 8-bit RGB, [height, width, 3]
 * @param width pixels, from 1 up
 * @param height pixels, from 1 up
 * @throws if the wanted size is not made of whole numbers from 1 up
 * @example
 * const small = resizeImage(await loadImage("board.png"), 512, 512);
 */
export function resizeImage(image: RgbImage, width: number, height: number, resample: Resample = "bilinear"): RgbImage {
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new Error(`resizeImage: ${name} is ${value}; it must be a whole number from 1 up.`);
    }
  }
  if (resample === "nearest") return resizeNearest(image, width, height);
  let { data } = image;
  if (width !== image.width) {
    data = resizeRows(data, image.width, image.height, width, tapsFor(image.width, width, resample));
  }
  if (height !== image.height) data = resizeColumns(data, width, height, tapsFor(image.height, height, resample));
  return { data, width, height };
}
