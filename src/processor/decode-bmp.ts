/** @file Decodes Windows and OS/2 bitmaps to RGB, the same kinds and with the same numbers as Pillow. */
import { checkPixelLimit, type ImageLimits } from "./image-limits.ts";
import type { OpenedImage } from "./image-types.ts";
import { InputError } from "./input-error.ts";
import { unpackBmpRle } from "./unpack-bmp-rle.ts";

const FILE_HEADER = 14;
const CORE_HEADER = 12;
const INFO_HEADERS = [40, 52, 56, 64, 108, 124];
/** What is read of the headers: the file's, the info header, and the three bit masks inside or after it. */
const HEADERS_READ = FILE_HEADER + 40 + 12;
const RAW = 0;
const RLE8 = 1;
const RLE4 = 2;
const BITFIELDS = 3;

function unsupported(problem: string): InputError {
  return new InputError("invalid", `The BMP cannot be read: ${problem}. Convert the picture to PNG.`);
}

interface Header {
  width: number;
  height: number;
  bits: number;
  compression: number;
  topDown: boolean;
  pixelsAt: number;
  /** Byte position and stride of the palette, and its entries. */
  palette: { at: number; stride: number; colors: number };
  /** Red, green and blue bits of a pixel, where the file names them. */
  masks: [number, number, number] | undefined;
}

function readHeader(view: DataView): Header {
  const pixelsAt = view.getUint32(10, true);
  const headerSize = view.getUint32(FILE_HEADER, true);
  const after = FILE_HEADER + headerSize;
  if (headerSize === CORE_HEADER) {
    const bits = view.getUint16(24, true);
    return {
      width: view.getUint16(18, true),
      height: view.getUint16(20, true),
      bits,
      compression: RAW,
      topDown: false,
      pixelsAt,
      palette: { at: after, stride: 3, colors: 2 ** bits },
      masks: undefined,
    };
  }
  if (!INFO_HEADERS.includes(headerSize)) throw unsupported(`its header has ${headerSize} bytes`);
  const height = view.getInt32(22, true);
  const bits = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  const masksAt = FILE_HEADER + 40; // inside newer headers, after the oldest: the same place
  const masks: Header["masks"] =
    compression === BITFIELDS
      ? [view.getUint32(masksAt, true), view.getUint32(masksAt + 4, true), view.getUint32(masksAt + 8, true)]
      : undefined;
  return {
    width: view.getInt32(18, true),
    height: Math.abs(height),
    bits,
    compression,
    topDown: height < 0,
    pixelsAt,
    palette: { at: after, stride: 4, colors: view.getUint32(46, true) || 2 ** bits },
    masks,
  };
}

/** Shift and width of a run of bits; a mask of zero gives no bits. */
function maskRun(mask: number): { shift: number; most: number } {
  if (mask === 0) return { shift: 0, most: 0 };
  const shift = 31 - Math.clz32(mask & -mask);
  const most = mask >>> shift;
  if ((most & (most + 1)) !== 0 || most > 255) throw unsupported(`the bit mask 0x${(mask >>> 0).toString(16)}`);
  return { shift, most };
}

/** The masks that a pixel of this many bits has when the file names none. */
function defaultMasks(bits: number): [number, number, number] {
  return bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff];
}

function readTrueColour(bytes: Uint8Array, header: Header, stride: number): Uint8Array {
  const { width, height, bits, pixelsAt, topDown } = header;
  let masks = header.masks ?? defaultMasks(bits);
  if (masks.every((mask) => mask === 0)) masks = defaultMasks(bits);
  const runs = masks.map(maskRun);
  const bytesPerPixel = bits / 8;
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    let from = pixelsAt + (topDown ? y : height - 1 - y) * stride;
    for (let x = 0; x < width; x++, from += bytesPerPixel) {
      let pixel = 0;
      for (let i = bytesPerPixel - 1; i >= 0; i--) pixel = (pixel << 8) | bytes[from + i]!;
      for (const { shift, most } of runs) {
        rgb[to++] = most === 0 ? 0 : Math.trunc((((pixel >>> shift) & most) * 255) / most);
      }
    }
  }
  return rgb;
}

function readIndices(bytes: Uint8Array, { width, height, bits, pixelsAt }: Header, stride: number): Uint8Array {
  const indices = new Uint8Array(width * height); // as stored: bottom row first
  const mask = 2 ** bits - 1;
  for (let y = 0, to = 0; y < height; y++) {
    const row = pixelsAt + y * stride;
    for (let x = 0; x < width; x++) {
      const bit = x * bits;
      indices[to++] = (bytes[row + (bit >> 3)]! >> (8 - bits - (bit & 7))) & mask;
    }
  }
  return indices;
}

function readPaletted(bytes: Uint8Array, header: Header, stride: number): Uint8Array {
  const { width, height, topDown, palette } = header;
  const indices =
    header.compression === RAW
      ? readIndices(bytes, header, stride)
      : unpackBmpRle(bytes, header.pixelsAt, width, height, header.compression === RLE4);
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const row = (topDown ? y : height - 1 - y) * width;
    for (let x = 0; x < width; x++, to += 3) {
      const index = indices[row + x]!;
      if (index >= palette.colors) continue; // black, as Pillow has it
      const entry = palette.at + index * palette.stride; // blue, green, red
      rgb[to] = bytes[entry + 2] ?? 0;
      rgb[to + 1] = bytes[entry + 1] ?? 0;
      rgb[to + 2] = bytes[entry] ?? 0;
    }
  }
  return rgb;
}

/** @throws InputError if the file is damaged, cut off, of a kind that Pillow does not read either, or exceeds a limit */
export function openBmp(bytes: Uint8Array, limits: ImageLimits): OpenedImage {
  if (bytes.length < FILE_HEADER + CORE_HEADER) throw unsupported(`it is cut off after ${bytes.length} bytes`);
  const start = new Uint8Array(HEADERS_READ); // zeros where a tiny bitmap of the oldest kind has ended already
  start.set(bytes.subarray(0, HEADERS_READ));
  const header = readHeader(new DataView(start.buffer));
  const { width, height, bits, compression } = header;
  checkPixelLimit(width, height, limits);
  const paletted = bits === 1 || bits === 4 || bits === 8;
  const compressed = (compression === RLE8 && bits === 8) || (compression === RLE4 && bits === 4);
  const trueColour = [16, 24, 32].includes(bits) && (compression === RAW || compression === BITFIELDS);
  if (!(paletted && (compression === RAW || compressed)) && !trueColour) {
    throw unsupported(`${bits} bits per pixel with compression ${compression}`);
  }
  const stride = Math.ceil((width * bits) / 32) * 4; // rows are padded to 4 bytes
  const end = header.pixelsAt + stride * height;
  if (!compressed && end > bytes.length) {
    throw unsupported(`it is cut off: ${width}×${height} pixels end at byte ${end}, the file has ${bytes.length}`);
  }
  const read = paletted ? readPaletted : readTrueColour;
  return { width, height, load: async () => ({ data: read(bytes, header, stride), width, height }) };
}
