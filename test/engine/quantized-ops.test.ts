/** @file The quantised ops compute what their weights stand for, on ONNX Runtime's kernels and on this package's. */
import { describe, expect, it } from "vitest";
import { input, linear, reshape, serialize, sourceName, type Value, weight } from "../../src/graph/index.ts";
import { type Kernels, quantize, type SchemeName, type TensorReader, weightBytes } from "../../src/passes/index.ts";
import { kernelLibraryPath, nativeRuntime } from "../../src/runtime/ort/index.ts";

/** Waves without a common period: reproducible, and spread like weights. */
const wave = (count: number, step: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * step) + 0.3 * Math.cos(i * step * 17.3));

const product = (x: Float32Array, w: Float32Array, bias: Float32Array, k: number): Float32Array => {
  const n = bias.length;
  return Float32Array.from({ length: (x.length / k) * n }, (_, i) => {
    const row = Math.floor(i / n);
    let sum = bias[i % n]!;
    for (let j = 0; j < k; j++) sum += x[row * k + j]! * w[(i % n) * k + j]!;
    return sum;
  });
};

/** Root mean square of the differences, in units of `size`. */
const relative = (found: Float32Array, wanted: Float32Array, size: number): number =>
  Math.sqrt(found.reduce((sum, v, i) => sum + (v - wanted[i]!) ** 2, 0) / found.length) / size;

const rootMeanSquare = (x: Float32Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length);

/** Runs a linear layer [n, k] of the given scheme over rows of the shape `lead`. */
async function runLayer(scheme: SchemeName, kernels: Kernels, n: number, k: number, lead: number[], x: Float32Array) {
  const [w, bias] = [wave(n * k, 0.37), wave(n, 1.1)];
  const tensors = new Map([
    ["layer.weight", { shape: [n, k], data: w }],
    ["layer.bias", { shape: [n], data: bias }],
  ]);
  const reader: TensorReader = {
    info: (name) => ({ dtype: "F32", shape: tensors.get(name)!.shape }),
    readRange: async (name, start, end) => new Uint8Array(tensors.get(name)!.data.buffer).slice(start, end),
  };
  const rows = input("x", "float32", ["batch", "seq", k].slice(3 - 1 - lead.length));
  // Stored under another shape, as the patch embedding is.
  const stored = reshape(weight("layer.weight", "float32", [n, k / 4, 4]), [n, k]);
  const y = linear(rows, stored, weight("layer.bias", "float32", [n]));
  const plan = { rules: [["layer", scheme] as const], kernels };
  const graph = serialize(quantize({ y }, plan), "inputs");
  const runtime = nativeRuntime();
  await using session = await runtime.createSession(graph.bytes, {
    threads: 1,
    customOps: kernels === "native" ? kernelLibraryPath() : undefined,
    initializers: new Map(),
  });
  const bytesOf = async (value: Value): Promise<Uint8Array> => {
    const parts: Uint8Array[] = [];
    for await (const part of weightBytes(value, reader)) parts.push(part.slice());
    return Buffer.concat(parts);
  };
  for (const value of graph.weights) {
    const bytes = new Uint8Array(await bytesOf(value));
    session.bindInput(sourceName(value), runtime.wrap(value.dtype, value.shape as number[], bytes.buffer));
  }
  session.bindInput("x", runtime.wrap("float32", [...lead, k], x.buffer, x.byteOffset));
  const out = runtime.createTensor("float32", [...lead, n]);
  session.bindOutput("y", out);
  await session.run();
  // What sums of k independent products come to: rounding errors are a share of this, also where the products cancel.
  const size = rootMeanSquare(x) * rootMeanSquare(w) * Math.sqrt(k);
  return { found: (out.data as Float32Array).slice(), wanted: product(x, w, bias, k), size };
}

const kernelSets: Kernels[] = kernelLibraryPath() ? ["standard", "native"] : ["standard"];

describe.each(kernelSets)("quantised layers on %s kernels", (kernels) => {
  // Bounds: rounding of activations and weights, in quadrature; 4 bits in blocks of 128 err by about a tenth.
  it.each([
    ["int8", 0.012],
    ["w8a8", 0.012],
    ["int4", 0.12],
    ["int4-fine", 0.1],
  ] as const)("%s is within its rounding error of float32, for whole and short blocks", async (scheme, bound) => {
    for (const [n, k] of [
      [48, 256],
      [20, 172],
      [16, 36],
    ] as const) {
      const { found, wanted, size } = await runLayer(scheme, kernels, n, k, [2, 5], wave(10 * k, 0.71));
      expect(relative(found, wanted, size)).toBeLessThan(bound);
      expect(relative(found, wanted, size)).toBeGreaterThan(0);
    }
  });

  // ONNX Runtime's blockwise kernels sum one row in another order than several: the last bits differ.
  const sameBits = kernels === "native" ? (["int8", "int4", "w8a8"] as const) : (["w8a8"] as const);
  it.each(sameBits)("%s gives a row the same bits alone and among others", async (scheme) => {
    const k = 256;
    const x = wave(7 * k, 0.71);
    const all = await runLayer(scheme, kernels, 48, k, [7], x);
    for (const row of [0, 6]) {
      const alone = await runLayer(scheme, kernels, 48, k, [1], x.slice(row * k, (row + 1) * k));
      expect(alone.found).toEqual(all.found.slice(row * 48, (row + 1) * 48));
    }
  });
});
