/** @file Puts blockwise levels into the byte order of ONNX Runtime's MatMulNBits (ContribOperators.md of microsoft/onnxruntime). */

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
