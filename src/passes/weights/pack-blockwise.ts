/** @file Puts blockwise levels and scales in the order of a kernel: the panels of the native BlockwiseMatMul (native/README.md), or ONNX Runtime's MatMulNBits. */

import { PANEL_COLUMNS } from "../../graph/index.ts";

/** A weight matrix [n, k] as integers with one scale per row and block of `block` values of k. */
export interface BlockwiseLevels {
  readonly n: number;
  readonly k: number;
  readonly bits: 4 | 8;
  /** Values that share a scale: a multiple of 32. The last block of a row may be shorter. */
  readonly block: number;
  /** [n, k]: -8..7 at 4 bits, -128..127 at 8. */
  readonly levels: Int8Array;
}

/** Panels, blocks per row and bytes of a matrix in panels. */
export interface BlockwiseLayout {
  readonly panels: number;
  readonly blocks: number;
  /** Bytes of the packed integers: [panels, blocks, block·16·bits/8]. */
  readonly valueBytes: number;
  /** Count of packed scales: [panels, blocks, 16]. */
  readonly scaleCount: number;
}

/**
 * The sizes of a packed matrix.
 * @throws RangeError when a size is not positive or `block` is not a multiple of 32
 * @example blockwiseLayout({ n: 1536, k: 1536, bits: 4, block: 32 }).valueBytes // 1179648
 */
export function blockwiseLayout(matrix: Pick<BlockwiseLevels, "n" | "k" | "bits" | "block">): BlockwiseLayout {
  const { n, k, bits, block } = matrix;
  if (!(n > 0 && k > 0)) throw new RangeError(`A matrix of ${n} x ${k} cannot be packed; both sizes must be positive.`);
  if (!(block >= 32 && block % 32 === 0))
    throw new RangeError(`Blocks have ${block} values; expected a multiple of 32.`);
  const panels = Math.ceil(n / PANEL_COLUMNS);
  const blocks = Math.ceil(k / block);
  const valueBytes = (panels * PANEL_COLUMNS * blocks * block * bits) / 8;
  return { panels, blocks, valueBytes, scaleCount: panels * blocks * PANEL_COLUMNS };
}

/**
 * The integers of a matrix in panels of 16 rows: 64 bytes hold 8 (4 bit) or 4 (8 bit) values of k for each of the rows.
 * Missing rows and the end of a short last block hold zero. Rows may be packed in runs of a multiple of 16: the
 * results follow each other in memory.
 * @returns [panels, blocks, block·16·bits/8] bytes
 * @throws RangeError when a size does not fit, or a 4-bit level lies outside -8..7
 * @example packBlockwiseValues({ n: 16, k: 32, bits: 4, block: 32, levels })
 */
export function packBlockwiseValues(matrix: BlockwiseLevels): Uint8Array {
  const { n, k, bits, levels } = matrix;
  const { panels, valueBytes } = blockwiseLayout(matrix);
  if (levels.length !== n * k)
    throw new RangeError(`Found ${levels.length} levels for a matrix of ${n} x ${k}; expected ${n * k}.`);
  const perRow = bits === 4 ? 8 : 4; // values of k in 64 bytes, per row
  const panelBytes = valueBytes / panels;
  const out = new Uint8Array(valueBytes).fill(bits === 4 ? 0x88 : 0x80);
  const groups = Math.ceil(k / perRow);
  let extremes = 0;
  for (let row = 0; row < n; row++) {
    const from = row * k;
    const to = Math.floor(row / PANEL_COLUMNS) * panelBytes + (row % PANEL_COLUMNS) * 4;
    for (let group = 0; group < groups; group++) {
      const first = group * perRow;
      for (let i = 0; i < perRow && first + i < k; i++) {
        const level = levels[from + first + i]!;
        const at = to + group * 64 + (i & 3);
        if (bits === 8) out[at] = level + 128;
        else {
          extremes |= (level + 8) & ~15;
          out[at] = i < 4 ? (out[at]! & 0xf0) | (level + 8) : (out[at]! & 0x0f) | ((level + 8) << 4);
        }
      }
    }
  }
  if (extremes !== 0) throw new RangeError("A 4-bit level lies outside -8..7; quantise with 4 bits first.");
  return out;
}

/**
 * The scales of a matrix in the order of its panels; those of missing rows are zero. Works on float32 scales and on
 * float16 bits alike.
 * @param scales [n, blocks]
 * @returns [panels, blocks, 16]
 * @throws RangeError when the count of scales does not fit
 * @example packBlockwiseScales({ n: 16, k: 32, bits: 4, block: 32 }, scales)
 */
export function packBlockwiseScales<T extends Float32Array | Uint16Array>(
  matrix: Pick<BlockwiseLevels, "n" | "k" | "bits" | "block">,
  scales: T,
): T {
  const { blocks, scaleCount } = blockwiseLayout(matrix);
  if (scales.length !== matrix.n * blocks)
    throw new RangeError(
      `Found ${scales.length} scales for ${matrix.n} rows of ${blocks} blocks; expected ${matrix.n * blocks}.`,
    );
  const out = new (scales.constructor as new (length: number) => T)(scaleCount);
  for (let row = 0; row < matrix.n; row++) {
    const to = Math.floor(row / PANEL_COLUMNS) * blocks * PANEL_COLUMNS + (row % PANEL_COLUMNS);
    for (let b = 0; b < blocks; b++) out[to + b * PANEL_COLUMNS] = scales[row * blocks + b]!;
  }
  return out;
}

/**
 * Levels [n, k] as bytes [n, blocks, block·bits/8]: value 2j of a block in the low half of byte j, 2j + 1 in the high
 * half, stored plus 8 (4 bit) or plus 128 (8 bit). The end of a short last block holds zeros.
 * @example packNBits(levels, 1536, 4, 128).length // n·12·64
 */
export function packNBits(levels: Int8Array, k: number, bits: 4 | 8, block: number): Uint8Array {
  const n = levels.length / k;
  const blocks = Math.ceil(k / block);
  const rowBytes = (blocks * block * bits) / 8;
  const out = new Uint8Array(n * rowBytes).fill(bits === 4 ? 0x88 : 0x80);
  for (let row = 0; row < n; row++) {
    const from = row * k;
    const to = row * rowBytes;
    if (bits === 8) for (let i = 0; i < k; i++) out[to + i] = levels[from + i]! + 128;
    else {
      for (let i = 0; i + 1 < k; i += 2) out[to + i / 2] = (levels[from + i]! + 8) | ((levels[from + i + 1]! + 8) << 4);
      if (k % 2 === 1) out[to + (k - 1) / 2] = (levels[from + k - 1]! + 8) | 0x80;
    }
  }
  return out;
}
