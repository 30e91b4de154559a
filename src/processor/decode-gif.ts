/** @file Decodes the first frame of a GIF to RGB, as Pillow shows it: transparent pixels keep their palette's colour. */
import { checkPixelLimit, type ImageLimits } from "./image-limits.ts";
import type { OpenedImage, RgbImage } from "./image-types.ts";
import { InputError } from "./input-error.ts";

// Layout: CompuServe, "Graphics Interchange Format, version 89a", 1990.
const EXTENSION = 0x21;
const IMAGE = 0x2c;
const GRAPHIC_CONTROL = 0xf9;
/** A code is at most 12 bits, so the table has 4096 entries. */
const MAX_CODES = 4096;
const NO_CODE = -1;

function truncated(): InputError {
  return new InputError("invalid", "The GIF is cut off: it ends inside its first frame. Pass the whole file.");
}

/** Reads little-endian numbers and sub-blocks, and says so when the file ends. */
class Reader {
  at: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const value = this.#bytes[this.at++];
    if (value === undefined) throw truncated();
    return value;
  }

  short(): number {
    return this.byte() | (this.byte() << 8);
  }

  take(length: number): Uint8Array {
    const start = this.at;
    this.at += length;
    if (this.at > this.#bytes.length) throw truncated();
    return this.#bytes.subarray(start, this.at);
  }

  /** The next sub-block; empty at the end of a chain. */
  block(): Uint8Array {
    return this.take(this.byte());
  }
}

/** A GIF's LZW stream of `count` palette indices. */
function unpackIndices(reader: Reader, count: number): Uint8Array {
  const minimumSize = reader.byte();
  if (minimumSize < 1 || minimumSize > 11) {
    throw new InputError("invalid", `The GIF is damaged: its LZW code size is ${minimumSize}; expected 1 to 11.`);
  }
  const clear = 1 << minimumSize;
  const end = clear + 1;
  const prefix = new Int16Array(MAX_CODES);
  const suffix = new Uint8Array(MAX_CODES);
  const stack = new Uint8Array(MAX_CODES + 1);
  const indices = new Uint8Array(count);
  for (let code = 0; code < clear; code++) suffix[code] = code;

  let block = reader.block();
  let blockAt = 0;
  let bits = 0;
  let bitCount = 0;
  let codeSize = minimumSize + 1;
  let next = end + 1;
  let previous = NO_CODE;
  let first = 0;
  let written = 0;
  while (written < count) {
    while (bitCount < codeSize) {
      if (blockAt === block.length) {
        block = reader.block();
        blockAt = 0;
        if (block.length === 0) throw truncated();
      }
      bits |= block[blockAt++]! << bitCount;
      bitCount += 8;
    }
    const code = bits & ((1 << codeSize) - 1);
    bits >>>= codeSize;
    bitCount -= codeSize;
    if (code === clear) {
      codeSize = minimumSize + 1;
      next = end + 1;
      previous = NO_CODE;
      continue;
    }
    if (code === end) throw truncated();
    if (code > next || (code === next && previous === NO_CODE)) {
      throw new InputError("invalid", `The GIF is damaged: LZW code ${code} comes before it is defined.`);
    }
    let depth = 0;
    let walk = code;
    if (code === next) {
      stack[depth++] = first; // the entry being defined: the previous string and its own first symbol
      walk = previous;
    }
    while (walk > end) {
      stack[depth++] = suffix[walk]!;
      walk = prefix[walk]!;
    }
    first = suffix[walk]!;
    stack[depth++] = first;
    while (depth > 0 && written < count) indices[written++] = stack[--depth]!;
    if (previous !== NO_CODE && next < MAX_CODES) {
      prefix[next] = previous;
      suffix[next] = first;
      next++;
      if (next === 1 << codeSize && codeSize < 12) codeSize++;
    }
    previous = code;
  }
  return indices;
}

/** The order in which an interlaced GIF stores its rows. */
function interlacedRows(height: number): number[] {
  const rows: number[] = [];
  const passes: [start: number, step: number][] = [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ];
  for (const [start, step] of passes) for (let y = start; y < height; y += step) rows.push(y);
  return rows;
}

/** Reads up to the first frame. @throws InputError if the file is damaged, cut off, has no frame or exceeds a limit */
export function openGif(bytes: Uint8Array, limits: ImageLimits): OpenedImage {
  const reader = new Reader(bytes);
  reader.take(6); // GIF87a or GIF89a, checked by the caller
  let width = reader.short();
  let height = reader.short();
  const flags = reader.byte();
  reader.take(2); // background and aspect ratio
  let palette = flags & 0x80 ? reader.take(3 << ((flags & 7) + 1)) : undefined;
  let transparent: number | undefined;
  for (let kind = reader.byte(); kind !== IMAGE; kind = reader.byte()) {
    if (kind === 0x3b) throw new InputError("invalid", "The GIF has no picture in it.");
    if (kind !== EXTENSION) continue; // as Pillow, skip bytes between blocks
    const label = reader.byte();
    const block = reader.block();
    if (label === GRAPHIC_CONTROL && block.length >= 4 && block[0]! & 1) transparent = block[3];
    if (block.length > 0) while (reader.block().length > 0);
  }
  const left = reader.short();
  const top = reader.short();
  const frameWidth = reader.short();
  const frameHeight = reader.short();
  const frameFlags = reader.byte();
  if (frameFlags & 0x80) palette = reader.take(3 << ((frameFlags & 7) + 1));
  width = Math.max(width, left + frameWidth); // as Pillow, a frame that leaves the screen enlarges it
  height = Math.max(height, top + frameHeight);
  checkPixelLimit(width, height, limits);
  const { at } = reader;
  const header = { width, height, left, top, frameWidth, frameHeight, interlaced: (frameFlags & 0x40) !== 0 };
  return { width, height, load: async () => decodeFrame(new Reader(bytes, at), header, palette, transparent ?? 0) };
}

interface FrameHeader {
  width: number;
  height: number;
  left: number;
  top: number;
  frameWidth: number;
  frameHeight: number;
  interlaced: boolean;
}

/** The frame on its screen, which is of colour `background` around it. */
function decodeFrame(
  reader: Reader,
  { width, height, left, top, frameWidth, frameHeight, interlaced }: FrameHeader,
  palette: Uint8Array | undefined,
  background: number,
): RgbImage {
  const indices = unpackIndices(reader, frameWidth * frameHeight);
  const screen = new Uint8Array(width * height).fill(background);
  const rows = interlaced ? interlacedRows(frameHeight) : undefined;
  for (let y = 0; y < frameHeight; y++) {
    const row = indices.subarray(y * frameWidth, (y + 1) * frameWidth);
    screen.set(row, (top + (rows?.[y] ?? y)) * width + left);
  }
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < screen.length; i++) {
    const index = screen[i]!;
    for (let channel = 0; channel < 3; channel++) {
      // Without a palette an index is a grey level; an index past the palette is black.
      data[i * 3 + channel] = palette === undefined ? index : (palette[index * 3 + channel] ?? 0);
    }
  }
  return { data, width, height };
}
