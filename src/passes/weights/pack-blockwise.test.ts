/** @file The bytes of packed panels, as native/README.md describes them. */
import { expect, test } from "vitest";
import { blockwiseLayout, packBlockwiseScales, packBlockwiseValues } from "./pack-blockwise.ts";

const levelsOf = (n: number, k: number, reach: number) =>
  Int8Array.from({ length: n * k }, (_, i) => ((i * 7) % (2 * reach)) - reach);

test.each([
  { n: 20, k: 70, bits: 4, block: 32 },
  { n: 33, k: 64, bits: 8, block: 64 },
] as const)("at $bits bits each level of $n x $k lies where the formula says, and padding is level zero", (shape) => {
  const { n, k, bits, block } = shape;
  const levels = levelsOf(n, k, bits === 4 ? 8 : 128);
  const packed = packBlockwiseValues({ ...shape, levels });
  const { panels, blocks, valueBytes } = blockwiseLayout(shape);
  expect(packed).toHaveLength(valueBytes);
  const found: number[] = [];
  const wanted: number[] = [];
  for (let row = 0; row < panels * 16; row++)
    for (let column = 0; column < blocks * block; column++) {
      const perRow = bits === 4 ? 8 : 4;
      const start = ((row >> 4) * blocks * block * 16 * bits) / 8 + Math.floor(column / perRow) * 64 + (row & 15) * 4;
      const byte = packed[start + (column & 3)]!;
      found.push(bits === 8 ? byte - 128 : (column % 8 < 4 ? byte & 15 : byte >> 4) - 8);
      wanted.push(row < n && column < k ? levels[row * k + column]! : 0);
    }
  expect(found).toEqual(wanted);
});

test("rows packed in runs of 16 follow each other", () => {
  const shape = { n: 48, k: 64, bits: 4, block: 32 } as const;
  const levels = levelsOf(48, 64, 8);
  const scales = Float32Array.from({ length: 48 * 2 }, (_, i) => i);
  const runs = [0, 16, 32].map((first) => {
    const part = { ...shape, n: 16, levels: levels.subarray(first * 64, (first + 16) * 64) };
    return [
      packBlockwiseValues(part),
      packBlockwiseScales(part, scales.subarray(first * 2, (first + 16) * 2)),
    ] as const;
  });
  expect(Buffer.concat(runs.map(([values]) => values))).toEqual(Buffer.from(packBlockwiseValues({ ...shape, levels })));
  expect(runs.flatMap(([, part]) => [...part])).toEqual([...packBlockwiseScales(shape, scales)]);
});

test("scales of float16 bits stay what they are, and missing rows get zero", () => {
  const packed = packBlockwiseScales({ n: 17, k: 32, bits: 8, block: 32 }, new Uint16Array(17).fill(0x3c00));
  expect(packed).toBeInstanceOf(Uint16Array);
  expect([...packed.subarray(0, 18), packed.length]).toEqual([...new Array(17).fill(0x3c00), 0, 32]);
});

test("sizes that do not fit and levels out of range are refused", () => {
  const shape = { n: 16, k: 32, bits: 4, block: 32 } as const;
  expect(() => packBlockwiseValues({ ...shape, levels: new Int8Array(16) })).toThrow(/expected 512/);
  expect(() => packBlockwiseValues({ ...shape, levels: new Int8Array(512).fill(8) })).toThrow(/outside -8..7/);
  expect(() => packBlockwiseValues({ ...shape, levels: new Int8Array(512).fill(-9) })).toThrow(/outside -8..7/);
  expect(() => packBlockwiseScales(shape, new Float32Array(3))).toThrow(/expected 16/);
  expect(() => blockwiseLayout({ ...shape, block: 40 })).toThrow(/multiple of 32/);
  expect(() => blockwiseLayout({ ...shape, n: 0 })).toThrow(/must be positive/);
});
