/** @file What is measured of a picture's pixels: hashes that survive resizing and compression, entropy, and blur. */

import type { RgbImage } from "../../processor/index.ts";

export interface Fingerprint {
  readonly width: number;
  readonly height: number;
  /** 64 bits: signs of the lowest frequencies against their median. */
  readonly phash: bigint;
  /** 64 bits: whether brightness rises from each of 8 × 8 fields to the one on its right. */
  readonly dhash: bigint;
  /** Mean red, green and blue, 0 to 255. */
  readonly color: readonly [number, number, number];
  /** Bits per pixel of the histogram of 256 grey levels: 0 for one colour, 8 at most. */
  readonly entropy: number;
  /** Variance of the Laplacian of grey (Pech-Pacheco et al. 2000): small where nothing is sharp. */
  readonly blur: number;
}

/** Grey by ITU-R 601, as Pillow's "L". [height · width] */
function greyOf({ data, width, height }: RgbImage): Float32Array {
  const grey = new Float32Array(width * height);
  for (let i = 0; i < grey.length; i++)
    grey[i] = 0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!;
  return grey;
}

/** Means over `columns` × `rows` fields of equal size, whose borders may cut pixels. */
function shrink(grey: Float32Array, width: number, height: number, columns: number, rows: number): Float64Array {
  // Along x first: [height, columns], then along y. What a field covers of a pixel is its weight.
  const along = (
    read: (i: number) => number,
    length: number,
    fields: number,
    write: (f: number, mean: number) => void,
  ) => {
    for (let f = 0; f < fields; f++) {
      const [from, to] = [(f * length) / fields, ((f + 1) * length) / fields];
      let sum = 0;
      for (let i = Math.floor(from); i < Math.ceil(to); i++) sum += read(i) * (Math.min(i + 1, to) - Math.max(i, from));
      write(f, sum / (to - from));
    }
  };
  const narrow = new Float64Array(height * columns);
  for (let y = 0; y < height; y++)
    along(
      (x) => grey[y * width + x]!,
      width,
      columns,
      (f, mean) => {
        narrow[y * columns + f] = mean;
      },
    );
  const small = new Float64Array(rows * columns);
  for (let x = 0; x < columns; x++)
    along(
      (y) => narrow[y * columns + x]!,
      height,
      rows,
      (f, mean) => {
        small[f * columns + x] = mean;
      },
    );
  return small;
}

const SIDE = 32;
const KEPT = 8;
/** cos((2x + 1) u π / 64) for the frequencies 0 to 7. [KEPT, SIDE] */
const COSINES = Float64Array.from({ length: KEPT * SIDE }, (_, i) =>
  Math.cos(((2 * (i % SIDE) + 1) * Math.floor(i / SIDE) * Math.PI) / (2 * SIDE)),
);
/** Of brightness 0 to 255, summed over 32 × 32 fields: less is the noise of compression. */
const NOISE = 128;

/** pHash (Zauner 2010): DCT of 32 × 32 mean fields, the lowest 8 × 8 frequencies without the mean, each against their median. */
function perceptualHash(small: Float64Array): bigint {
  const rows = new Float64Array(SIDE * KEPT);
  for (let y = 0; y < SIDE; y++)
    for (let u = 0; u < KEPT; u++) {
      let sum = 0;
      for (let x = 0; x < SIDE; x++) sum += small[y * SIDE + x]! * COSINES[u * SIDE + x]!;
      rows[y * KEPT + u] = sum;
    }
  const found: number[] = [];
  for (let v = 0; v < KEPT; v++)
    for (let u = 0; u < KEPT; u++) {
      let sum = 0;
      for (let y = 0; y < SIDE; y++) sum += rows[y * KEPT + u]! * COSINES[v * SIDE + y]!;
      found.push(u + v === 0 || Math.abs(sum) < NOISE ? 0 : sum);
    }
  const sorted = found.slice(1).sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1]!;
  return found.reduce((hash, value) => (hash << 1n) | BigInt(value > median), 0n);
}

/** dHash (Krawetz 2013) of 9 × 8 mean fields. */
function differenceHash(small: Float64Array): bigint {
  let hash = 0n;
  for (let y = 0; y < 8; y++)
    for (let x = 0; x < 8; x++) hash = (hash << 1n) | BigInt(small[y * 9 + x + 1]! - small[y * 9 + x]! > 1);
  return hash;
}

function entropyOf(grey: Float32Array): number {
  const counts = new Float64Array(256);
  for (const level of grey) counts[Math.min(255, Math.round(level))]!++;
  return counts.reduce((sum, n) => (n === 0 ? sum : sum - (n / grey.length) * Math.log2(n / grey.length)), 0);
}

function blurOf(grey: Float32Array, width: number, height: number): number {
  let [sum, squares, count] = [0, 0, 0];
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      const value = grey[at - 1]! + grey[at + 1]! + grey[at - width]! + grey[at + width]! - 4 * grey[at]!;
      sum += value;
      squares += value * value;
      count++;
    }
  return count === 0 ? 0 : squares / count - (sum / count) ** 2;
}

/**
 * Measures a picture.
 * @example fingerprintOf(await loadImage("board.png")).entropy
 */
export function fingerprintOf(image: RgbImage): Fingerprint {
  const { data, width, height } = image;
  const grey = greyOf(image);
  const color: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < data.length; i++) color[i % 3]! += data[i]!;
  return {
    width,
    height,
    phash: perceptualHash(shrink(grey, width, height, SIDE, SIDE)),
    dhash: differenceHash(shrink(grey, width, height, 9, 8)),
    color: color.map((sum) => Math.round(sum / (width * height))) as [number, number, number],
    entropy: entropyOf(grey),
    blur: blurOf(grey, width, height),
  };
}
