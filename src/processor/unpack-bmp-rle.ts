/** @file Unpacks the run-length encoding of 4 and 8 bit bitmaps. */
import { InputError } from "./input-error.ts";

const END_OF_LINE = 0;
const END_OF_BITMAP = 1;
const DELTA = 2;

/**
 * Palette indices [height, width] in the order of the file (bottom row first); what the file skips is index 0.
 * Source of the encoding: Microsoft, "Bitmap Compression".
 *
 * @throws InputError if the data ends before the picture does
 */
export function unpackBmpRle(bytes: Uint8Array, at: number, width: number, height: number, is4: boolean): Uint8Array {
  const indices = new Uint8Array(width * height);
  let x = 0;
  let y = 0;
  const put = (value: number): void => {
    if (x < width && y < height) indices[y * width + x] = value;
    x++;
  };
  const read = (): number => {
    const value = bytes[at++];
    if (value === undefined)
      throw new InputError("invalid", "The BMP is cut off inside its pixels. Pass the whole file.");
    return value;
  };
  while (y < height) {
    const count = read();
    const value = read();
    if (count > 0) {
      for (let i = 0; i < count; i++) put(is4 ? (i % 2 === 0 ? value >> 4 : value & 15) : value);
    } else if (value === END_OF_LINE) {
      x = 0;
      y++;
    } else if (value === END_OF_BITMAP) {
      break;
    } else if (value === DELTA) {
      x += read();
      y += read();
    } else {
      let packed = 0;
      for (let i = 0; i < value; i++) {
        if (!is4 || i % 2 === 0) packed = read();
        put(is4 ? (i % 2 === 0 ? packed >> 4 : packed & 15) : packed);
      }
      const storedBytes = is4 ? Math.ceil(value / 2) : value;
      if (storedBytes % 2 === 1) at++; // runs are padded to 16 bits
    }
  }
  return indices;
}
