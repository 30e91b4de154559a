/** @file What a native product does in the same pass equals the same steps one by one. */
import { afterEach, describe, expect, test } from "vitest";
import {
  add,
  blockwiseMatMul,
  type Fused,
  gelu,
  geluTanh,
  input,
  layerNorm,
  rmsNorm,
  serialize,
  swiGlu,
  type Value,
} from "../../src/graph/index.ts";
import { fuseProducts } from "../../src/passes/index.ts";
import { nativeRuntime } from "../../src/runtime/ort/index.ts";
import { levelsHere, libraryPath } from "./support/library.ts";
import { product, randomRows, randomWeights } from "./support/reference.ts";

const EPSILON = 1e-5;
const form = { rms: rmsNorm, layer: layerNorm };
interface Case {
  bits: 4 | 8;
  n: number;
  k: number;
  norm?: keyof typeof form;
  activation?: "geluTanh" | "swiGlu" | "gelu";
  residual?: boolean;
}

const cases: Case[] = [
  { bits: 4, n: 96, k: 160, norm: "rms", activation: "swiGlu" },
  { bits: 8, n: 70, k: 96, norm: "layer", activation: "geluTanh", residual: true },
  { bits: 4, n: 48, k: 64, residual: true },
  { bits: 8, n: 64, k: 72, activation: "swiGlu" },
  { bits: 8, n: 64, k: 96, activation: "gelu", residual: true },
];

/** Rows through the steps of a case, as separate nodes or as the pass makes them. */
async function run(c: Case, x: Float32Array, fused: boolean): Promise<Float32Array> {
  const { bits, n, k, norm, activation, residual } = c;
  const rows = x.length / k;
  const w = randomWeights(5, { n, k, bits, block: 32, half: true });
  const p = product(w, x, randomRows(6, 1, n));
  const width = activation === "swiGlu" ? n / 2 : n;
  const data = {
    x,
    values: p.values,
    scales: p.scales,
    bias: p.bias!,
    weight: randomRows(7, 1, k),
    shift: randomRows(8, 1, k),
    residual: randomRows(9, 40, width).slice(0, rows * width),
  };
  const dtypes = { values: "uint8", scales: "float16" } as Record<string, "uint8" | "float16">;
  const dims = { x: [rows, k], residual: [rows, width] } as Record<string, number[]>;
  const named = (name: keyof typeof data): Value =>
    input(name, dtypes[name] ?? "float32", dims[name] ?? [data[name].length]);
  const from = named("x");
  const normal =
    norm === "rms"
      ? rmsNorm(from, named("weight"), EPSILON)
      : norm === "layer"
        ? layerNorm(from, named("weight"), named("shift"), EPSILON)
        : from;
  let y = blockwiseMatMul(normal, named("values"), named("scales"), named("bias"), { n, k, bits, block: 32 });
  if (activation) y = { gelu, geluTanh, swiGlu }[activation](y);
  if (residual) y = add(named("residual"), y);
  const graph = fused ? fuseProducts({ y }) : { y };
  expect(graph.y!.node.op.name === "BlockwiseMatMul", "one node").toBe(fused);
  const runtime = nativeRuntime();
  const options = { customOps: libraryPath!, threads: 2 };
  await using session = await runtime.createSession(serialize(graph, "inputs").bytes, options);
  for (const { name, dtype, dims } of session.inputs) {
    const { buffer, byteOffset } = data[name as keyof typeof data];
    session.bindInput(name, runtime.wrap(dtype, dims as number[], buffer as ArrayBuffer, byteOffset));
  }
  const out = runtime.createTensor("float32", [rows, width]);
  session.bindOutput("y", out);
  await session.run();
  return out.data as Float32Array;
}

describe.skipIf(!libraryPath)("fused products", () => {
  afterEach(() => {
    delete process.env.FLASHVL_KERNEL;
  });

  test.each(cases)("$norm norm, $bits bits, $activation, residual: $residual", async (c) => {
    const x = randomRows(10, 40, c.k);
    for (const level of levelsHere()) {
      process.env.FLASHVL_KERNEL = level;
      const whole = await run(c, x, true);
      const wanted = await run(c, x, false);
      const size = Math.sqrt(wanted.reduce((sum, v) => sum + v * v, 0) / wanted.length);
      // A norm's last bit may turn a rounding of the activations over: one level of 127 in one of k products.
      const worst = whole.reduce((most, v, i) => Math.max(most, Math.abs(v - wanted[i]!)), 0);
      expect(worst / size, level).toBeLessThan(c.norm ? 0.03 : 1e-4);
      const width = whole.length / 40;
      for (const rows of [1, 7, 9]) {
        const some = await run(c, x.slice(0, rows * c.k), true);
        expect(some, `${level}, ${rows} rows`).toEqual(whole.slice(0, rows * width));
      }
    }
  });

  test("a product that others read too stays as it is", () => {
    const fused: Fused = {};
    const rows = input("x", "float32", ["rows", 64]);
    const shape = { n: 32, k: 64, bits: 8, block: 32 } as const;
    const weights = [input("w", "uint8", [32 * 64]), input("s", "float16", [32 * 2])] as const;
    const y = blockwiseMatMul(rows, ...weights, undefined, shape, fused);
    const { z } = fuseProducts({ y, z: geluTanh(y) });
    expect(z!.node.op.name).toBe("GeluTanh");
  });
});
