/** @file Gradients of a deep residual MLP, plain or with recomputation; as a process of its own it prints the memory it took. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as g from "../../src/graph/index.ts";
import { recompute } from "../../src/passes/index.ts";
import { createTensor } from "../../src/runtime/index.ts";
import { nativeRuntime } from "../../src/runtime/ort/index.ts";

const WIDTH = 128;
export const DEPTH = 12;

/** Loss and gradients by name; each layer is a segment. */
export function deepMlp(rows: number, again: boolean): Record<string, g.Value> {
  const x = g.input("x", "float32", [rows, WIDTH]);
  const layers = Array.from({ length: DEPTH }, (_, i) => g.weight(`w${i}`, "float32", [WIDTH, WIDTH]));
  let y = x;
  layers.forEach((w, i) => {
    y = g.scoped(`layers.${i}`, () => g.add(y, g.gelu(g.tanh(g.sigmoid(g.linear(y, w))))));
  });
  const loss = g.reduceSum(g.mul(y, y), [0, 1]);
  const grads = g.gradients(loss, layers).map((v) => v!);
  const outputs = Object.fromEntries([loss, ...grads].map((v, i) => [`o${i}`, v]));
  return again ? recompute(outputs, (scope) => /^layers\.\d+/.exec(scope)?.[0]) : outputs;
}

/** Runs it once on fixed numbers. */
export async function runDeepMlp(rows: number, again: boolean): Promise<Float32Array[]> {
  const outputs = deepMlp(rows, again);
  const { bytes, inputs, weights } = g.serialize(outputs, "inputs");
  // Without the arena memory goes back as soon as a value is no longer needed, so the peak is what the graph needs.
  await using session = await nativeRuntime().createSession(bytes, { threads: 1, memoryArena: false });
  for (const [i, v] of [...inputs, ...weights].entries()) {
    const tensor = createTensor(v.dtype, v.shape as number[]);
    const data = tensor.data as Float32Array;
    for (let j = 0; j < data.length; j++) data[j] = 0.05 * Math.sin(12.9898 * (j + 1) + i);
    session.bindInput(g.sourceName(v), tensor);
  }
  const results = Object.entries(outputs).map(([name, v]) => {
    const tensor = createTensor(v.dtype, v.shape as number[]);
    session.bindOutput(name, tensor);
    return tensor.data as Float32Array;
  });
  await session.run();
  return results;
}

const kib = (field: "VmHWM" | "VmRSS"): number =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))![1]);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [rows, again] = [Number(process.argv[2]), process.argv[3] === "again"];
  await runDeepMlp(1, again); // loads the runtime, so that the difference is the graph's
  const before = kib("VmRSS");
  await runDeepMlp(rows, again);
  console.log(kib("VmHWM") - before);
}
