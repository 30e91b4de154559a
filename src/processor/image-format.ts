/** @file Tells a picture's format from its first bytes; file names and content types are not trusted. */
import { InputError } from "./input-error.ts";

export type ImageFormat = "png" | "jpeg" | "webp" | "gif" | "avif" | "tiff" | "bmp";

/** How many bytes of an unknown file an error shows. */
const SHOWN_BYTES = 8;

function startsWith(bytes: Uint8Array, text: string, offset = 0): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[offset + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** ISO-BMFF brands of AVIF stills and sequences; the box `ftyp` lists brands as 4 characters each. */
function isAvif(bytes: Uint8Array): boolean {
  if (!startsWith(bytes, "ftyp", 4)) return false;
  const boxLength = ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
  for (let at = 8; at + 4 <= Math.min(boxLength, bytes.length, 256); at += 4) {
    if (startsWith(bytes, "avif", at) || startsWith(bytes, "avis", at)) return true;
  }
  return false;
}

/**
 * The format of encoded bytes.
 *
 * @throws InputError "invalid", showing the first bytes, if it is none that we decode (SVG, HEIC and PDF are not)
 */
export function imageFormat(bytes: Uint8Array): ImageFormat {
  if (startsWith(bytes, "\x89PNG\r\n\x1a\n")) return "png";
  if (startsWith(bytes, "\xff\xd8\xff")) return "jpeg";
  if (startsWith(bytes, "RIFF") && startsWith(bytes, "WEBP", 8)) return "webp";
  if (startsWith(bytes, "GIF87a") || startsWith(bytes, "GIF89a")) return "gif";
  if (startsWith(bytes, "BM")) return "bmp";
  if (startsWith(bytes, "II*\0") || startsWith(bytes, "MM\0*")) return "tiff";
  if (startsWith(bytes, "II+\0") || startsWith(bytes, "MM\0+")) return "tiff"; // BigTIFF
  if (isAvif(bytes)) return "avif";
  const shown = Array.from(bytes.subarray(0, SHOWN_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  throw new InputError(
    "invalid",
    `The data is not an image of a known format: it begins with ${shown || "nothing"}. ` +
      "Expected PNG, JPEG, WebP, GIF, AVIF, TIFF or BMP; convert the picture to one of them.",
  );
}
