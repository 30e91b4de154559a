/** @file The native kernels of training against the plain graph, across instruction sets, shapes, precisions and threads. */
import { afterEach, describe, expect, test, vi } from "vitest";
import * as g from "../../src/graph/index.ts";
import { lowerAttention, type Precision, useTrainingKernels } from "../../src/passes/index.ts";
import { evaluate, relativeError } from "../train/evaluate.ts";
import { levelsHere, libraryPath, loadLibrary } from "./support/library.ts";
import { randomNumbers } from "./support/reference.ts";

type Numbers = Record<string, number[]>;

/** An expression over weights whose gradients are compared; `given` are inputs that are not differentiated. */
interface Case {
  readonly name: string;
  readonly shapes: Readonly<Record<string, number[]>>;
  build(values: Record<string, g.Value>): g.Value;
  readonly given?: Numbers;
}

const size = (shape: readonly number[]) => shape.reduce((n, d) => n * d, 1);

/**
 * y, L = Σ y·c with random c, and dL/d(weight) for every weight.
 * @param shift moves all weights this far along one random direction, which `direction` gives by name
 */
async function run(c: Case, form: g.Pass, threads = 1, shift = 0): Promise<Numbers> {
  const weights = Object.entries(c.shapes).map(([name, shape]) => g.weight(name, "float32", shape));
  const { y } = form({ y: c.build(Object.fromEntries(weights.map((w) => [g.sourceName(w), w]))) });
  const normal = normals(7);
  const shape = y!.shape as number[];
  const factors = g.constant(Float32Array.from({ length: size(shape) }, normal), "float32", shape);
  const loss = g.reduceSum(
    g.mul(y!, factors),
    shape.map((_, i) => i),
  );
  const gradients = g.gradients(loss, weights);
  const outputs = Object.fromEntries(weights.map((w, i) => [`d ${g.sourceName(w)}`, gradients[i]!]));
  const given = { ...c.given };
  const along = direction(c);
  for (const [name, s] of Object.entries(c.shapes))
    given[name] = Array.from({ length: size(s) }, (_, i) => normal() + shift * along[name]![i]!);
  return evaluate({ y: y!, ...outputs, ...(shift ? { loss } : {}) }, given, { threads, customOps: libraryPath });
}

function normals(seed: number): () => number {
  const random = randomNumbers(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function direction(c: Case): Numbers {
  const normal = normals(11);
  return Object.fromEntries(
    Object.entries(c.shapes).map(([name, s]) => [name, Array.from({ length: size(s) }, normal)]),
  );
}

const plain = (c: Case) => run(c, lowerAttention);
const native = (c: Case, precision: Precision = "float32", threads?: number) =>
  run(c, (outputs) => useTrainingKernels(outputs, precision), threads);

const linear = (rows: number[], inner: number, out: number, bias = true): Case => ({
  name: `linear of [${rows}, ${inner}] to ${out}${bias ? "" : " without bias"}`,
  shapes: { x: [...rows, inner], w: [out, inner], ...(bias && { b: [out] }) },
  build: ({ x, w, b }) => g.linear(x!, w!, b),
});

/** Two samples in each row; the second has a shared beginning and two branches. */
function masked(batch: number, length: number, heads: number, kvHeads: number, dim: number): Case {
  const at = Array.from({ length: batch * length }, (_, i) => i % length);
  const half = length >> 1;
  return {
    name: `masked attention [${batch}, ${length}], ${heads} heads over ${kvHeads} of ${dim}`,
    shapes: { q: [batch, length, heads * dim], k: [batch, length, kvHeads * dim], v: [batch, length, kvHeads * dim] },
    given: {
      segments: at.map((t) => (t < half ? 0 : 1)),
      branches: at.map((t) => (t < half + 3 ? 0 : t % 2 ? 1 : 2)),
    },
    build({ q, k, v }) {
      const of = (name: string) => g.input(name, "int32", [batch, length]);
      const mask = { segments: of("segments"), branches: of("branches") };
      return g.attention(q!, k!, v!, { heads, kvHeads, scale: dim ** -0.5 }, mask);
    },
  };
}

const full = (batch: number, length: number, heads: number, dim: number): Case => ({
  name: `full attention [${batch}, ${length}], ${heads} heads of ${dim}`,
  shapes: { q: [batch, length, heads * dim], k: [batch, length, heads * dim], v: [batch, length, heads * dim] },
  build: ({ q, k, v }) => g.attention(q!, k!, v!, { heads, kvHeads: heads, scale: dim ** -0.5 }),
});

const products: Case[] = [
  linear([1], 1, 1),
  linear([2, 7], 33, 50),
  linear([3, 41], 64, 192, false),
  linear([130], 1030, 17), // several blocks of the inner size
  linear([2100], 5, 3), // several blocks of rows in the weight's gradient
];
const attentions: Case[] = [
  full(1, 1, 1, 1),
  full(2, 61, 3, 17),
  full(1, 100, 2, 72),
  masked(2, 21, 4, 2, 16),
  masked(1, 150, 3, 1, 24),
  masked(1, 70, 2, 1, 72), // more columns than a tile has
];
const rows: Case[] = [
  { name: "GELU", shapes: { x: [3, 37] }, build: ({ x }) => g.geluTanh(g.mul(x!, g.scalar(3))) },
  {
    name: "gate",
    shapes: { a: [5, 33], b: [5, 33] },
    build: ({ a, b }) => g.mul(g.silu(g.mul(a!, g.scalar(3))), b!),
  },
  {
    name: "LayerNorm",
    shapes: { x: [2, 70, 19], w: [19], b: [19] },
    build: ({ x, w, b }) => g.layerNorm(x!, w!, b!, 1e-6),
  },
  { name: "RMSNorm", shapes: { x: [70, 48], w: [48] }, build: ({ x, w }) => g.rmsNorm(x!, w!, 1e-6) },
  {
    name: "log-probability",
    shapes: { x: [70, 21] },
    given: { targets: Array.from({ length: 70 }, (_, i) => (i * 5) % 21) },
    build: ({ x }) => g.logProbOf(g.mul(x!, g.scalar(5)), g.input("targets", "int64", [70])),
  },
];

function expectClose(found: Numbers, wanted: Numbers, tolerance: number): void {
  expect(Object.keys(found)).toEqual(Object.keys(wanted));
  for (const [name, values] of Object.entries(wanted))
    expect(relativeError(found[name]!, values, 1e-3), name).toBeLessThan(tolerance);
}

describe.skipIf(!libraryPath)("native training kernels", () => {
  const levels = libraryPath ? levelsHere() : [];
  const bfloat16 = libraryPath ? loadLibrary().trainNumbers("") === "bf16" : false;
  afterEach(() => vi.unstubAllEnvs());

  test.each([...products, ...attentions, ...rows])("$name: values and gradients of the plain graph", async (c) => {
    const wanted = await plain(c);
    for (const level of levels) {
      vi.stubEnv("FLASHVL_KERNEL", level);
      expectClose(await native(c), wanted, 2e-5);
    }
  });

  test.each([products[1]!, ...attentions.slice(1), ...rows])("$name: gradients of finite differences", async (c) => {
    const STEP = 1e-2;
    const kernels: g.Pass = (outputs) => useTrainingKernels(outputs, "float32");
    const [ahead, behind, here] = [await run(c, kernels, 1, STEP), await run(c, kernels, 1, -STEP), await native(c)];
    let [slope, scale] = [0, 0];
    for (const [name, values] of Object.entries(direction(c)))
      values.forEach((d, i) => {
        slope += here[`d ${name}`]![i]! * d;
        scale += (here[`d ${name}`]![i]! * d) ** 2;
      });
    const found = (ahead.loss![0]! - behind.loss![0]!) / (2 * STEP);
    // A sum of many terms of either sign: measured against their root mean square, not against what is left of them.
    expect(Math.abs(found - slope) / Math.sqrt(scale)).toBeLessThan(0.01);
  });

  test.skipIf(!bfloat16).each([...products, ...attentions])("$name: bfloat16 factors", async (c) => {
    // Factors keep 8 bits: errors of 2^-9 each, averaged over sums; the largest over all elements is compared here.
    expectClose(await native(c, "bfloat16"), await plain(c), 0.03);
  });

  test.each(["float32", "bfloat16"] as const)("%s: the same bits on any number of threads", async (precision) => {
    if (precision === "bfloat16" && !bfloat16) return;
    for (const c of [products[3]!, products[4]!, attentions[4]!, rows[2]!])
      expect(await native(c, precision, 3), c.name).toEqual(await native(c, precision, 1));
  });

  test("every layer of a training graph gets a kernel: no attention, norm or activation is left", () => {
    const x = g.weight("x", "float32", [1, 4, 8]);
    const shape = { heads: 2, kvHeads: 2, scale: 0.5 };
    const { y } = useTrainingKernels({ y: g.geluTanh(g.attention(x, x, x, shape)) }, "float32");
    expect(g.topologicalOrder([y]).map((node) => node.op.name)).toEqual(["Weight", "TrainAttention", "TrainGelu"]);
  });

  test("attention without a pass says that it has no form", () => {
    const x = g.weight("x", "float32", [1, 4, 8]);
    const y = g.attention(x, x, x, { heads: 2, kvHeads: 2, scale: 0.5 });
    expect(() => g.serialize({ y }, "inputs")).toThrow("Attention has no ONNX form; run the pass that replaces it");
    expect(() => g.attention(x, x, x, { heads: 3, kvHeads: 3, scale: 1 })).toThrow("is not [batch, seq, heads*dim]");
  });

  test("a target that is no class stops the run", async () => {
    const c = { ...rows[4]!, given: { targets: Array.from({ length: 70 }, () => 21) } };
    await expect(native(c)).rejects.toThrow("a target is no class");
  });
});
