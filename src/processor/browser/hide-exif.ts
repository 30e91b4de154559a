/** @file Hides EXIF data from the browser's decoders, which offer no way to leave a picture as it is stored. */
import type { ImageFormat } from "../image-format.ts";

function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** JPEG: segments of FF, marker, 16-bit length; EXIF is an APP1 segment that says so. */
function hideInJpeg(bytes: Uint8Array, view: DataView): void {
  const APP1 = 0xe1;
  const START_OF_SCAN = 0xda;
  for (let at = 2; at + 8 < bytes.length && bytes[at] === 0xff; at += 2 + view.getUint16(at + 2)) {
    if (bytes[at + 1] === START_OF_SCAN) return;
    if (bytes[at + 1] === APP1 && hasText(bytes, at + 4, "Exif")) bytes[at + 4] = 0;
  }
}

/** WebP: chunks of a name, a 32-bit length and data padded to an even size. Unknown names are skipped by decoders. */
function hideInWebp(bytes: Uint8Array, view: DataView): void {
  for (let at = 12; at + 8 <= bytes.length; ) {
    if (hasText(bytes, at, "EXIF")) bytes.fill(0x58, at, at + 4);
    const length = view.getUint32(at + 4, true);
    at += 8 + length + (length % 2);
  }
}

/** PNG: chunks of a 32-bit length, a name, data and a checksum over name and data; so the chunk has to go as a whole. */
function removeFromPng(bytes: Uint8Array, view: DataView): Uint8Array {
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 12 + view.getUint32(at);
    if (hasText(bytes, at + 4, "eXIf")) {
      bytes.copyWithin(at, end);
      return bytes.subarray(0, bytes.length - (Math.min(end, bytes.length) - at));
    }
    at = end;
  }
  return bytes;
}

/** A copy of an encoded picture in which decoders find no EXIF data. A damaged file stays damaged. */
export function hideExif(original: Uint8Array, format: ImageFormat): Uint8Array {
  const bytes = new Uint8Array(original); // not slice(), which only views a Buffer
  const view = new DataView(bytes.buffer);
  if (format === "png") return removeFromPng(bytes, view);
  if (format === "jpeg") hideInJpeg(bytes, view);
  if (format === "webp") hideInWebp(bytes, view);
  return bytes;
}
