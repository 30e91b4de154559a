/** @file The native full attention against float64, across instruction sets, shapes and threads. */
import { describe, expect, test } from "vitest";
import { type Attrs, float } from "../../src/graph/index.ts";
import { runOp } from "./support/graph.ts";
import { attend, type Heads, levelsHere, libraryPath } from "./support/library.ts";
import { randomNumbers } from "./support/reference.ts";

/** q, k and v as three tensors [batch, length, stride] of normal numbers. */
function normals(seed: number, at: Heads): Float32Array[] {
  const random = randomNumbers(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return [0, 1, 2].map(() => Float32Array.from({ length: at.batch * at.length * at.stride }, normal));
}

function reference(at: Heads, [q, k, v]: readonly Float32Array[]): Float64Array {
  const { batch, length, heads, size, stride, scale } = at;
  const out = new Float64Array(batch * length * heads * size);
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let i = 0; i < length; i++) {
        const position = (j: number) => (b * length + j) * stride + h * size;
        const scores = Array.from({ length }, (_, j) => {
          let dot = 0;
          for (let d = 0; d < size; d++) dot += q![position(i) + d]! * k![position(j) + d]!;
          return dot * scale;
        });
        const most = Math.max(...scores);
        const weights = scores.map((s) => Math.exp(s - most));
        const total = weights.reduce((a, w) => a + w, 0);
        const to = ((b * length + i) * heads + h) * size;
        for (let j = 0; j < length; j++)
          for (let d = 0; d < size; d++) out[to + d]! += (weights[j]! / total) * v![position(j) + d]!;
      }
  return out;
}

/** Root mean square of the difference relative to that of the reference. */
function relativeDifference(found: Float32Array, wanted: Float64Array): number {
  let difference = 0;
  let size = 0;
  wanted.forEach((w, i) => {
    difference += (found[i]! - w) ** 2;
    size += w ** 2;
  });
  return Math.sqrt(difference / size);
}

const shapes: Heads[] = [
  { batch: 1, length: 1, heads: 1, size: 1, stride: 1, scale: 1 },
  { batch: 1, length: 100, heads: 2, size: 72, stride: 144, scale: 72 ** -0.5 },
  { batch: 2, length: 61, heads: 3, size: 17, stride: 60, scale: 17 ** -0.5 }, // odd size, gaps between positions
  { batch: 1, length: 256, heads: 1, size: 130, stride: 130, scale: 130 ** -0.5 },
  { batch: 1, length: 33, heads: 4, size: 64, stride: 256, scale: 1 }, // sharp: scores spread by 8, a few keys win
];

describe.skipIf(!libraryPath)("full attention kernels", () => {
  const levels = libraryPath ? levelsHere() : [];

  test.each(shapes)(
    "$batch x $length positions, $heads heads of $size: fp32 within 1e-5, bfloat16 within 1e-2 of float64",
    (at) => {
      const data = normals(1, at);
      const wanted = reference(at, data);
      for (const level of levels)
        for (const half of [false, true]) {
          const { out, numbers } = attend(level, 2, half, at, data);
          expect(relativeDifference(out, wanted), `${level} ${numbers}`).toBeLessThan(numbers === "bf16" ? 1e-2 : 1e-5);
        }
    },
  );

  test("results do not depend on threads, nor a picture's on the others in its batch", () => {
    const at: Heads = { batch: 3, length: 65, heads: 2, size: 24, stride: 48, scale: 0.2 };
    const data = normals(2, at);
    const perPicture = at.length * at.stride;
    for (const level of levels)
      for (const half of [false, true]) {
        const { out } = attend(level, 1, half, at, data);
        expect(attend(level, 3, half, at, data).out).toEqual(out);
        const second = data.map((d) => d.subarray(perPicture, 2 * perPicture));
        expect(attend(level, 1, half, { ...at, batch: 1 }, second).out).toEqual(out.slice(perPicture, 2 * perPicture));
      }
  });

  test("scores far apart neither overflow nor vanish", () => {
    const at: Heads = { batch: 1, length: 40, heads: 1, size: 8, stride: 8, scale: 1 };
    const [q, k, v] = normals(3, at).map((d) => d.map((x) => x * 100));
    for (const level of levels)
      for (const half of [false, true])
        expect(attend(level, 1, half, at, [q!, k!, v!]).out.every(Number.isFinite), level).toBe(true);
  });

  test("TowerAttention is the same kernel as an op of ONNX Runtime, and refuses shapes that do not fit", async () => {
    const at: Heads = { batch: 2, length: 50, heads: 2, size: 72, stride: 144, scale: 72 ** -0.5 };
    const dims = [2, 50, 144];
    const [q, k, v] = normals(4, at).map((data) => ({ dtype: "float32" as const, dims, data }));
    const run = (attrs: Attrs, feeds = { q: q!, k: k!, v: v! }) => runOp("TowerAttention", attrs, feeds, dims);
    const data = [q!.data, k!.data, v!.data];
    expect(await run({ num_heads: 2, width: 144, scale: float(at.scale) })).toEqual(
      attend(levels[0]!, 1, true, at, data).out,
    );
    expect(await run({ num_heads: 2, width: 144, scale: float(at.scale), fp32: 1 })).toEqual(
      attend(levels[0]!, 1, false, at, data).out,
    );
    const byDefault = await run({ num_heads: 2, width: 144, fp32: 1 });
    expect(relativeDifference(byDefault, reference(at, data))).toBeLessThan(1e-5);
    const short = { ...k!, dims: [2, 49, 144], data: k!.data.subarray(0, 2 * 49 * 144) };
    await expect(run({ num_heads: 2, width: 144 }, { q: q!, k: short, v: v! })).rejects.toThrow(
      /must have the shape of Q/,
    );
    await expect(run({ num_heads: 5, width: 144 })).rejects.toThrow(/width must be a multiple/);
    // Side by side in one tensor.
    const packed = new Float32Array(3 * 2 * 50 * 144);
    for (let i = 0; i < 2 * 50; i++)
      for (const [j, part] of [q!, k!, v!].entries())
        packed.set(part.data.subarray(i * 144, (i + 1) * 144), (i * 3 + j) * 144);
    const feed = { dtype: "float32" as const, dims: [2, 50, 432], data: packed };
    const together = await runOp("TowerAttention", { num_heads: 2, width: 144 }, { qkv: feed }, dims);
    expect(together).toEqual(attend(levels[0]!, 1, true, at, data).out);
  });
});
