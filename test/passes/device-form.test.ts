/** @file The forms of graphs that GPUs take compute what the graphs compute: float16, plain and split products, fused residuals. */

import { describe, expect, it } from "vitest";
import { halfToFloat } from "../../src/common/half.ts";
import { toF16 } from "../../src/common/index.ts";
import {
  add,
  addRmsNorm,
  cast,
  type DType,
  gather,
  input,
  linear,
  mul,
  reduceSum,
  replaceRows,
  rmsNorm,
  scalar,
  serialize,
  silu,
  splitMatmul,
  topologicalOrder,
  type Value,
  weight,
} from "../../src/graph/index.ts";
import { fuseResiduals, inDeviceForm, inHalf, usePlainProducts } from "../../src/passes/index.ts";
import type { Tensor } from "../../src/runtime/index.ts";
import { nativeRuntime } from "../../src/runtime/ort/index.ts";

const runtime = nativeRuntime();
const numbers = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(12.9898 * i + 78.233 * seed));

/** What a graph gives for float32 numbers; weights are inputs. */
async function compute(y: Value, given: Record<string, { data: Float32Array; dims: number[] }>, dims: number[]) {
  await using session = await runtime.createSession(serialize({ y }, "inputs").bytes);
  for (const { name, dtype } of session.inputs) {
    const { data, dims } = given[name]!;
    const tensor = runtime.createTensor(dtype, dims);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    tensor.data.set((dtype === "float16" ? toF16(bytes, "F32") : data) as never);
    session.bindInput(name, tensor);
  }
  const out = runtime.createTensor("float32", dims);
  session.bindOutput("y", out);
  await session.run();
  return out.data as Float32Array;
}

const closeTo = (found: Float32Array, expected: Float32Array, tolerance: number) =>
  expect(Math.max(...expected.map((value, i) => Math.abs(value - found[i]!)))).toBeLessThan(tolerance);
const typesOf = (values: readonly Value[]): Set<DType> =>
  new Set(topologicalOrder(values).flatMap((node) => node.outputs.map((v) => v.dtype)));
const ops = (y: Value): string[] => topologicalOrder([y]).map((node) => node.op.name);

const K = 96;
const x = input("x", "float32", ["batch", "seq", K]);
const given = {
  x: { data: numbers(6 * K, 1), dims: [2, 3, K] },
  w: { data: numbers(16 * K, 2), dims: [16, K] },
  b: { data: numbers(16, 3), dims: [16] },
  norm: { data: numbers(K, 4), dims: [K] },
  square: { data: numbers(K * K, 5), dims: [K, K] },
};
const transposed = ({ data, dims }: { data: Float32Array; dims: number[] }) => {
  const [n, k] = dims as [number, number];
  return { data: Float32Array.from({ length: n * k }, (_, i) => data[(i % n) * k + Math.floor(i / n)]!), dims: [k, n] };
};

describe("inHalf", () => {
  const y = linear(
    mul(silu(rmsNorm(x, weight("norm", "float32", [K]), 1e-6)), scalar(0.5)),
    weight("w", "float32", [16, K]),
  );

  it("computes in float16 what comes and goes in float32", async () => {
    const { half } = inHalf({ half: y });
    expect([half!.dtype, half!.node.inputs[0]!.dtype]).toEqual(["float32", "float16"]);
    closeTo(await compute(half!, given, [2, 3, 16]), await compute(y, given, [2, 3, 16]), 0.05);
  });

  it("leaves inputs and outputs in float16 that are named, and whole numbers as they are", () => {
    const ids = input("ids", "int64", [2]);
    const table = input("table", "float32", [5, 4]);
    const { rows } = inHalf({ rows: gather(table, ids) }, { inputs: (name) => name === "table", outputs: () => true });
    expect(rows!.dtype).toBe("float16");
    expect([...typesOf([rows!])].sort()).toEqual(["float16", "int64"]);
  });
});

describe("plain products", () => {
  it("of a wide layer are one product over the transposed weight", async () => {
    const y = linear(x, weight("square", "float32", [K, K]), weight("norm", "float32", [K]));
    const { plain } = usePlainProducts({ plain: y });
    expect(ops(plain!)).not.toContain("Linear");
    const found = await compute(plain!, { ...given, "square.transposed": transposed(given.square) }, [2, 3, K]);
    closeTo(found, await compute(y, given, [2, 3, K]), 1e-4);
  });

  it("of a narrow layer are split, at any number of rows", async () => {
    const y = linear(x, weight("w", "float32", [16, K]), weight("b", "float32", [16]));
    const { plain } = usePlainProducts({ plain: y });
    expect(ops(plain!)).toContain("SplitMatMul");
    const columns = transposed(given.w);
    const found = await compute(plain!, { ...given, "w.transposed": { ...columns, dims: [8, K / 8, 16] } }, [2, 3, 16]);
    closeTo(found, await compute(y, given, [2, 3, 16]), 1e-4);
  });

  it("refuses pieces that are not the rows'", () => {
    expect(() => splitMatmul(x, weight("w", "float32", [5, 16, 8]))).toThrow(/rows of 96 do not fit the pieces/);
  });
});

describe("fuseResiduals", () => {
  it("adds and normalises in one op, and hands the sum on", async () => {
    const norm = weight("norm", "float32", [K]);
    const mid = add(x, linear(x, weight("square", "float32", [K, K])));
    const y = add(mid, rmsNorm(mid, norm, 1e-6));
    const { fused } = fuseResiduals({ fused: y });
    expect(ops(fused!).filter((name) => name === "Add" || name === "RmsNorm")).toEqual(["Add"]);
    closeTo(await compute(fused!, given, [2, 3, K]), await compute(y, given, [2, 3, K]), 1e-4);
  });

  it("leaves a norm of something else, and a bias, alone", () => {
    const norm = weight("norm", "float32", [K]);
    const y = rmsNorm(add(x, norm), norm, 1e-6);
    expect(fuseResiduals({ y }).y).toBe(y);
    expect(() => addRmsNorm(x, norm, norm, 1e-6)).toThrow(/differ: nothing is broadcast/);
  });
});

it("inDeviceForm takes and tells the KV cache in float16, and all else in float32", () => {
  const past = input("past.0.key", "float32", ["batch", 4]);
  const { logits, ...rest } = inDeviceForm({ logits: reduceSum(past, [1]), "present.0.key": mul(past, past) }, true);
  expect([logits!.dtype, rest["present.0.key"]!.dtype]).toEqual(["float32", "float16"]);
  expect(inDeviceForm({ logits: cast(past, "float32") }, false).logits!.dtype).toBe("float32");
});

it("replaceRows writes rows into the memory it is bound to and leaves the others", async () => {
  const table = input("table", "float32", ["n", 2]);
  const indices = input("indices", "int64", ["rows", 1]);
  const { bytes } = serialize({ y: replaceRows(table, indices, input("rows", "float32", ["rows", 2])) }, "inputs");
  await using session = await runtime.createSession(bytes);
  const fill = (dtype: DType, dims: number[], values: readonly (number | bigint)[]): Tensor => {
    const tensor = runtime.createTensor(dtype, dims);
    tensor.data.set(values as never);
    return tensor;
  };
  const memory = fill("float32", [4, 2], [0, 1, 2, 3, 4, 5, 6, 7]);
  session.bindInput("table", memory);
  session.bindInput("indices", fill("int64", [2, 1], [3n, 0n]));
  session.bindInput("rows", fill("float32", [2, 2], [10, 11, 20, 21]));
  session.bindOutput("y", memory);
  await session.run();
  expect([...memory.data]).toEqual([20, 21, 2, 3, 4, 5, 10, 11]);
});

describe("toF16", () => {
  it("rounds every bfloat16 and float32 as halfToFloat reads them, and hands float16 through", () => {
    const values = Float32Array.of(1, -2.5, 65504, 1e-7, 0.1);
    const halves = toF16(new Uint8Array(values.buffer), "F32");
    expect([...halves].map(halfToFloat)).toEqual([1, -2.5, 65504, 2 ** -24 * 2, 0.0999755859375]);
    const bits = Uint16Array.from(new Uint32Array(values.buffer), (bit) => bit >>> 16);
    expect(halfToFloat(toF16(new Uint8Array(bits.buffer, 0, 4), "BF16")[1]!)).toBe(-2.5);
    expect(toF16(new Uint8Array(halves.buffer), "F16")).toEqual(halves);
  });

  it("refuses what does not fit", () => {
    expect(() => toF16(new Uint8Array(Float32Array.of(0, 7e4).buffer), "F32")).toThrow(/Number 1 does not fit float16/);
    expect(() => toF16(new Uint8Array(4), "I32")).toThrow(/I32 is not supported/);
  });
});
