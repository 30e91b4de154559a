/** @file The shapes a picture takes on its way in: what callers may pass, and the one form everything after decoding uses. */

/** A decoded picture: 8-bit RGB, interleaved, row by row; `data.length === width * height * 3`. */
export interface RgbImage {
  /** [height, width, 3] */
  data: Uint8Array;
  width: number;
  height: number;
}

/** Pixels that are already decoded: 1 = grey, 2 = grey + alpha, 3 = RGB, 4 = RGB + alpha; alpha is dropped. */
export interface RawImage {
  /** [height, width, channels] */
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  channels: 1 | 2 | 3 | 4;
}

/** A picture whose header is read: its size is known, its pixels are decoded when they are asked for. */
export interface OpenedImage {
  readonly width: number;
  readonly height: number;
  /** What it is decoded from; left out where it was pixels already. */
  readonly encoded?: Uint8Array;
  /** @throws InputError when the data turns out to be damaged */
  load(): Promise<RgbImage>;
}

/** Everything that can stand for a picture. A string is a file path, a `data:` URL, a `file:` URL or an http(s) URL. */
export type ImageInput = string | URL | Uint8Array | ArrayBuffer | Blob | RgbImage | RawImage;
