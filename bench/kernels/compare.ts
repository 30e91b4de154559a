/** @file Compares the native ops with ONNX Runtime's own in alternation: `tsx bench/kernels/compare.ts [rows...]`. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  type Attrs,
  apply1,
  constant,
  type DType,
  defineOp,
  float,
  input,
  serialize,
  type Value,
} from "../../src/graph/index.ts";
import type { Session } from "../../src/runtime/index.ts";
import { nativeRuntime } from "../../src/runtime/ort/index.ts";

const library = ["build", "prebuilt"]
  .map((folder) =>
    fileURLToPath(new URL(`../../native/${folder}/${process.platform}-${process.arch}/libflashvl.so`, import.meta.url)),
  )
  .find((path) => existsSync(path));
const runtime = nativeRuntime();
const THREADS = 2;
/** Copies with weights of their own, so that weights come from memory as in a model. */
const COPIES = 8;
/** Rounds of alternation, of which the fastest counts: the machine may be shared. */
const ROUNDS = 10;

const call = (type: string, domain: string, inputs: (Value | undefined)[], attrs: Attrs, dims: (number | string)[]) =>
  apply1(
    defineOp({
      name: type,
      infer: () => [{ dtype: "float32" as DType, shape: dims }],
      emit: ({ inputs, outputs }, e) => e.node(type, inputs.map(e.name), e.outputs(outputs), attrs, domain),
    }),
    inputs,
    attrs,
  );

/** A session over `count` calls; every input is filled with a repeating pattern of bytes of its type. */
async function load(
  count: number,
  make: (copy: number) => { y: Value; dims: number[] },
  fill: (name: string, bytes: number) => Uint8Array,
) {
  const calls = Array.from({ length: count }, (_, i) => make(i));
  const graph = serialize(Object.fromEntries(calls.map(({ y }, i) => [`y${i}`, y])), "inputs");
  const session = await runtime.createSession(graph.bytes, { threads: THREADS, customOps: library! });
  const sizes = { float32: 4, float16: 2, uint8: 1 } as Record<string, number>;
  for (const { name, dtype, dims } of session.inputs) {
    const bytes = dims.reduce<number>((a, d) => a * (d as number), sizes[dtype]!);
    session.bindInput(name, runtime.wrap(dtype, dims as number[], fill(name, bytes).buffer));
  }
  calls.forEach(({ dims }, i) => {
    session.bindOutput(`y${i}`, runtime.createTensor("float32", dims));
  });
  return session;
}

async function fastest(sessions: Record<string, Session>): Promise<Record<string, number>> {
  const best: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, session] of Object.entries(sessions)) {
      const start = performance.now();
      await session.run();
      best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, performance.now() - start);
    }
  for (const session of Object.values(sessions)) await session.dispose();
  return best;
}

const floats = (count: number) => new Float32Array(count).map((_, i) => Math.sin(i * 0.7));
const smallScales = (name: string, bytes: number): Uint8Array => {
  if (name === "x" || name.length === 1) return new Uint8Array(floats(bytes / 4).buffer);
  if (name.startsWith("h")) return new Uint8Array(new Uint16Array(bytes / 2).fill(0x1400).buffer);
  if (name.startsWith("s")) return new Uint8Array(new Float32Array(bytes / 4).fill(1e-3).buffer);
  return new Uint8Array(bytes).fill(0x5a);
};

async function compareProducts(m: number, n: number, k: number): Promise<void> {
  const x = input("x", "float32", [m, k]);
  const dims = [m, n];
  const native = (bits: number, block: number) => (i: number) => {
    const blocks = k / block;
    const w = constant(new Uint8Array((n * k * bits) / 8).fill(0x5a + i), "uint8", [(n * k * bits) / 8]);
    const s = input(`h${i}`, "float16", [n * blocks]);
    return {
      y: call("BlockwiseMatMul", "flashvl", [x, w, s], { K: k, N: n, bits, block_size: block, width: n }, dims),
      dims,
    };
  };
  const ort = (bits: number, block: number) => (i: number) => {
    // As constants: only then does ONNX Runtime pack them when the session is created.
    const bytes = new Uint8Array((n * k * bits) / 8).fill(0x5a + i);
    const w = constant(bytes, "uint8", [n, k / block, (block * bits) / 8]);
    const s = constant(new Float32Array((n * k) / block).fill(1e-3), "float32", [n, k / block]);
    const attrs = { K: k, N: n, bits, block_size: block, accuracy_level: 4 };
    return { y: call("MatMulNBits", "com.microsoft", [x, w, s], attrs, dims), dims };
  };
  for (const [bits, block] of [
    [4, 32],
    [4, 128],
    [8, 32],
    [8, 128],
  ] as const) {
    const found = await fastest({
      native: await load(COPIES, native(bits, block), smallScales),
      ort: await load(COPIES, ort(bits, block), smallScales),
    });
    const rate = (ms: number) =>
      `${(ms / COPIES).toFixed(3)} ms ${((2e-6 * m * n * k * COPIES) / ms).toFixed(0)} GOP/s`;
    console.log(
      `m ${m} n ${n} k ${k} ${bits} bit block ${block}: native ${rate(found.native!)}, MatMulNBits ${rate(found.ort!)}, ratio ${(found.native! / found.ort!).toFixed(2)}`,
    );
  }
}

async function compareAttention(): Promise<void> {
  const dims = [1, 1024, 1152];
  const qkv = ["q", "k", "v"].map((name) => input(name, "float32", dims));
  const native = (fp32: number) => () => ({
    y: call("TowerAttention", "flashvl", qkv, { num_heads: 16, width: 1152, fp32 }, dims),
    dims,
  });
  const ort = () => ({
    y: call("MultiHeadAttention", "com.microsoft", qkv, { num_heads: 16, scale: float(72 ** -0.5) }, dims),
    dims,
  });
  const found = await fastest({
    bf16: await load(3, native(0), smallScales),
    fp32: await load(3, native(1), smallScales),
    ort: await load(3, ort, smallScales),
  });
  for (const [name, ms] of Object.entries(found))
    console.log(`attention ${name}: ${((ms / 3) * 27).toFixed(0)} ms for 27 layers`);
}

const rows = process.argv.slice(2).map(Number);
await compareAttention();
for (const m of rows.length ? rows : [1, 2, 8, 16, 290]) await compareProducts(m, 8960, 1536);
