/** @file `tsx bench/cold-start.ts --checkpoint DIR`: what loading a compiled graph costs, with weights packed at start or on disk. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compileCheckpoint, openModelCheckpoint, type Preset } from "../src/compile/index.ts";
import { FlashVL } from "../src/node/index.ts";
import type { Kernels } from "../src/passes/index.ts";
import type { SessionOptions } from "../src/runtime/index.ts";
import { nativeRuntime } from "../src/runtime/ort/index.ts";

const ROUNDS = 3;
const PACKED = "packed.onnx";
/** "as-is": what a start does. "unpacked": prepacking off. "packed": from a copy in which ONNX Runtime saved packed weights. */
const VARIANTS = ["as-is", "unpacked", "packed"] as const;
type Variant = (typeof VARIANTS)[number];

const { values } = parseArgs({
  options: {
    checkpoint: { type: "string", default: join(tmpdir(), "flashvl-2b") },
    cache: { type: "string", default: join(tmpdir(), "flashvl-2b-cache") },
    preset: { type: "string", default: "auto" },
    kernels: { type: "string" },
    load: { type: "string" },
    model: { type: "string", default: "" },
    ops: { type: "string" },
  },
});

/** Loads a graph in this process and prints seconds and resident bytes as JSON. */
async function load(model: string, variant: string, customOps: string | undefined): Promise<void> {
  const config: Record<string, string> = variant === "unpacked" ? { "session.disable_prepacking": "1" } : {};
  const options: SessionOptions = { customOps, config };
  const before = process.memoryUsage.rss();
  const began = performance.now();
  await using _ = await nativeRuntime().createSession(model, options);
  const seconds = (performance.now() - began) / 1000;
  console.log(JSON.stringify({ seconds, bytes: process.memoryUsage.rss() - before }));
}

/** From nothing to the first token of a text prompt, in this process. */
async function firstToken(): Promise<void> {
  const began = performance.now();
  const { preset, kernels, cache: cacheDir, checkpoint } = values;
  const options = { preset: preset as Preset, kernels: kernels as Kernels | undefined, cacheDir };
  await using model = await FlashVL.fromPretrained(checkpoint, options);
  const ready = (performance.now() - began) / 1000;
  await model.generate(null, [{ role: "user", content: "Which vegetables are cheap?" }], { maxNewTokens: 1 });
  const seconds = (performance.now() - began) / 1000;
  console.log(JSON.stringify({ ready, seconds, bytes: process.memoryUsage.rss() }));
}

/** Writes the optimised graph with packed weights beside it. */
async function pack(model: string, folder: string, customOps: string | undefined): Promise<number> {
  mkdirSync(folder);
  const config = {
    "session.save_external_prepacked_constant_initializers": "1",
    "session.optimized_model_external_initializers_file_name": "packed.data",
    "session.optimized_model_external_initializers_min_size_in_bytes": "1024",
  };
  const optimizedModelPath = join(folder, PACKED);
  await using _ = await nativeRuntime().createSession(model, { customOps, config, optimizedModelPath });
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

async function main(): Promise<void> {
  const { checkpoint, config } = await openModelCheckpoint(values.checkpoint);
  const runtime = nativeRuntime();
  const preset = values.preset as Preset;
  const kernels = values.kernels as Kernels | undefined;
  const options = { preset, kernels, runtime, cacheDir: values.cache };
  const began = performance.now();
  const compiled = await compileCheckpoint(checkpoint, config, options);
  await checkpoint.close();
  console.log(`compiled ${compiled.fresh} in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  for (let round = 0; round <= ROUNDS; round++) {
    const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2), "--load", "first-token"];
    const { stdout } = spawnSync(process.execPath, [...process.execArgv, ...args], { encoding: "utf8" });
    if (round > 0) console.log(`${preset} ${kernels ?? ""} to the first token: ${stdout.trim()}`);
  }
  const folder = join(compiled.folder, "..", `packed-${process.pid}`);
  for (const graph of ["vision", "decode", "prefill"] as const) {
    if (graph === "prefill" && compiled.prefill === compiled.decode) continue;
    let bytes: number | undefined;
    try {
      bytes = await pack(compiled[graph], folder, compiled.customOps);
    } catch (error) {
      console.log(`${graph}: packed weights cannot be saved: ${(error as Error).message}`);
    }
    const times = new Map<Variant, { seconds: number; bytes: number }[]>(VARIANTS.map((variant) => [variant, []]));
    // One round over all variants is thrown away: it brings the files into memory.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const variant of VARIANTS) {
        if (variant === "packed" && bytes === undefined) continue;
        const model = variant === "packed" ? join(folder, PACKED) : compiled[graph];
        const ops = compiled.customOps ? ["--ops", compiled.customOps] : [];
        const args = [fileURLToPath(import.meta.url), "--load", variant, "--model", model, ...ops];
        const { stdout, status } = spawnSync(process.execPath, [...process.execArgv, ...args], { encoding: "utf8" });
        if (status !== 0) throw new Error(`Loading ${model} (${variant}) failed.`);
        if (round > 0) times.get(variant)!.push(JSON.parse(stdout.trim().split("\n").at(-1)!));
      }
    }
    for (const [variant, runs] of times) {
      const middle = (pick: (run: { seconds: number; bytes: number }) => number) =>
        runs.map(pick).sort((a, b) => a - b)[Math.floor(runs.length / 2)] ?? Number.NaN;
      const disk = variant === "packed" && bytes !== undefined ? `, ${(bytes / 1e9).toFixed(2)} GB on disk` : "";
      const seconds = runs.map((run) => run.seconds.toFixed(2)).join(" ");
      console.log(
        `${preset} ${kernels ?? ""} ${graph} ${variant}: ${middle((run) => run.seconds).toFixed(2)} s (${seconds}), ` +
          `${(middle((run) => run.bytes) / 1e9).toFixed(2)} GB resident${disk}`,
      );
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

if (values.load === "first-token") await firstToken();
else await (values.load ? load(values.model, values.load, values.ops) : main());
