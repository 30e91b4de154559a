/**
 * @file Steps per second and memory of supervised fine-tuning against the same step in PyTorch, in alternation.
 * usage: npx tsx bench/train/main.ts --python PYTHON [--rounds 10] [--rows 32] [--length 256] [--threads 2] [--model FOLDER] [--profile]
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "../machine.ts";
import { makeBatch } from "./make-batch.ts";
import { readProfile } from "./profile.ts";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const { values } = parseArgs({
  options: {
    python: { type: "string" },
    rounds: { type: "string", default: "10" },
    rows: { type: "string", default: "32" },
    length: { type: "string", default: "256" },
    threads: { type: "string", default: "2" },
    model: { type: "string", default: here("../../recipes/tiny/model") },
    profile: { type: "boolean", default: false },
    out: { type: "string" },
  },
});
const rounds = Number(values.rounds);
/** Steps that warm caches and allocators up; not counted. */
const WARM_UP = 2;

interface StepAnswer {
  readonly ms: number;
  readonly loss: number;
  readonly peakBytes: number;
  readonly fillMs?: number;
  readonly runMs?: number;
  readonly optimizerMs?: number;
}

/** A process that answers line by line. */
function side(command: string, args: string[]) {
  const child: ChildProcess = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const read = async <T>(): Promise<T> => {
    const { done, value } = await lines.next();
    if (done) throw new Error(`${command} ${args[0]} ended early`);
    return JSON.parse(value) as T;
  };
  return {
    ready: read<{ ready: string; parameters: number }>(),
    step(): Promise<StepAnswer> {
      child.stdin!.write("step\n");
      return read();
    },
    async end() {
      child.stdin!.end();
      if (child.exitCode === null) await new Promise((done) => child.on("exit", done));
    },
  };
}

const median = (xs: readonly number[]): number => {
  const sorted = [...xs].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

const folder = await mkdtemp(join(tmpdir(), "flashvl-bench-"));
try {
  await makeBatch(folder, values.model, Number(values.rows), Number(values.length));
  const ours = ["--import", "tsx", here("our-step.ts"), folder, values.threads];
  const sides = {
    flashvl: side(process.execPath, ours),
    ...(values.python ? { torch: side(values.python, [here("torch_step.py"), folder, values.threads]) } : {}),
  };
  const entries = Object.entries(sides);
  const about = Object.fromEntries(await Promise.all(entries.map(async ([name, s]) => [name, await s.ready] as const)));
  const answers: Record<string, StepAnswer[]> = Object.fromEntries(entries.map(([name]) => [name, []]));
  for (let round = 0; round < WARM_UP + rounds; round++)
    // Who comes first changes, so that neither always runs on a warmer or cooler machine.
    for (const [name, s] of round % 2 ? entries.toReversed() : entries) answers[name]!.push(await s.step());
  for (const [, s] of entries) await s.end();

  const results = Object.fromEntries(
    entries.map(([name]) => {
      const counted = answers[name]!.slice(WARM_UP);
      const ms = median(counted.map((a) => a.ms));
      const part = (key: "fillMs" | "runMs" | "optimizerMs") =>
        counted[0]![key] === undefined ? undefined : median(counted.map((a) => a[key]!));
      return [
        name,
        {
          ...about[name],
          msPerStep: ms,
          fastestMs: Math.min(...counted.map((a) => a.ms)),
          slowestMs: Math.max(...counted.map((a) => a.ms)),
          stepsPerSecond: 1000 / ms,
          peakBytes: answers[name]!.at(-1)!.peakBytes,
          losses: answers[name]!.slice(0, 3).map((a) => a.loss),
          fillMs: part("fillMs"),
          runMs: part("runMs"),
          optimizerMs: part("optimizerMs"),
        },
      ];
    }),
  );
  const [a, b] = [results.flashvl!, results.torch];
  if (b && Math.abs(a.losses[0]! - b.losses[0]!) > 1e-4 * b.losses[0]!)
    throw new Error(`the two sides do not do the same: first losses ${a.losses[0]} and ${b.losses[0]}`);

  let profile: ReturnType<typeof readProfile> | undefined;
  if (values.profile) {
    const PROFILED = 3;
    const profiled = side(process.execPath, [...ours, join(folder, "profile")]);
    await profiled.ready;
    for (let i = 0; i < PROFILED; i++) await profiled.step();
    await profiled.end();
    const file = (await readdir(folder)).find((name) => name.startsWith("profile") && name.endsWith(".json"));
    if (!file) throw new Error("ONNX Runtime wrote no profile");
    profile = readProfile(join(folder, file), PROFILED);
  }
  const row = {
    benchmark: "train/sft-step",
    rows: Number(values.rows),
    tokensPerRow: Number(values.length),
    threads: Number(values.threads),
    rounds,
    machine: describeMachine(),
    ...results,
    speedOverTorch: b ? b.msPerStep / a.msPerStep : undefined,
    profile: profile && { parts: profile.parts, kernels: profile.kernels.slice(0, 15) },
  };
  const text = JSON.stringify(row, null, 2);
  if (values.out) await writeFile(values.out, `${text}\n`);
  console.log(text);
} finally {
  await rm(folder, { recursive: true, force: true });
}
