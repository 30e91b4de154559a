/** @file The native kernel library through its plain C entry points. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import koffi from "koffi";

const platform = `${process.platform}-${process.arch}`;
const file = process.platform === "darwin" ? "libflashvl.dylib" : "libflashvl.so";
const places = ["build", "prebuilt"].map((folder) =>
  fileURLToPath(new URL(`../../../native/${folder}/${platform}/${file}`, import.meta.url)),
);

/** The library's path: a fresh build before the one that ships; undefined where this platform has neither. */
export const libraryPath = places.find((place) => existsSync(place));

export type Level = "avx512" | "avx2" | "neon" | "portable";

/** The library's functions. @throws Error where this platform has no library. */
export function loadLibrary() {
  if (!libraryPath) throw new Error(`no native library at ${places.join(" or ")}: run node native/build.mjs`);
  const library = koffi.load(libraryPath);
  const kernelName = library.func("const char *flashvl_kernel_name(const char *wanted)");
  const matmul = library.func(
    "int flashvl_blockwise_matmul(const char *kernel, int threads, const void *x, int64_t m, int64_t n, int64_t k, int bits, int64_t block, const void *values, const void *scales, int half, const void *bias, void *y)",
  );
  const attention = library.func(
    "const char *flashvl_full_attention(const char *kernel, int threads, int half, const void *q, const void *k, const void *v, int64_t stride, int64_t batch, int64_t length, int64_t heads, int64_t size, float scale, void *out)",
  );
  const trainNumbers = library.func("const char *flashvl_train_numbers(const char *kernel)");
  return { kernelName, matmul, attention, trainNumbers };
}

/** The instruction sets that this processor can run. */
export function levelsHere(): Level[] {
  const { kernelName } = loadLibrary();
  return (["avx512", "avx2", "neon", "portable"] as const).filter((level) => kernelName(level) === level);
}

export interface Product {
  m: number;
  n: number;
  k: number;
  bits: 4 | 8;
  block: number;
  x: Float32Array;
  values: Uint8Array;
  scales: Float32Array | Uint16Array;
  bias?: Float32Array;
}

/** x w^T + bias by the kernels of `level`. */
export function multiply(level: Level, threads: number, p: Product): Float32Array {
  const y = new Float32Array(p.m * p.n).fill(Number.NaN);
  const half = p.scales instanceof Uint16Array ? 1 : 0;
  const bias = p.bias ?? null;
  const { matmul } = loadLibrary();
  const code = matmul(level, threads, p.x, p.m, p.n, p.k, p.bits, p.block, p.values, p.scales, half, bias, y);
  if (code !== 0) throw new Error(`flashvl_blockwise_matmul at ${level} answered ${code}`);
  return y;
}

export interface Heads {
  batch: number;
  length: number;
  heads: number;
  size: number;
  /** Numbers from one position to the next in q, k and v. */
  stride: number;
  scale: number;
}

/** softmax(q k^T scale) v, and the kind of numbers that the kernels of `level` used. */
export function attend(
  level: Level,
  threads: number,
  half: boolean,
  at: Heads,
  [q, k, v]: readonly Float32Array[],
): { out: Float32Array; numbers: "bf16" | "fp32" } {
  const { batch, length, heads, size, stride, scale } = at;
  const out = new Float32Array(batch * length * heads * size).fill(Number.NaN);
  const { attention } = loadLibrary();
  const numbers = attention(level, threads, half ? 1 : 0, q, k, v, stride, batch, length, heads, size, scale, out);
  if (!numbers) throw new Error(`flashvl_full_attention failed at ${level}`);
  return { out, numbers };
}
