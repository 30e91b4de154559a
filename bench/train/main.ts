/**
 * @file Steps per second and memory of supervised fine-tuning against the same step in PyTorch, in alternation: float32 against
 * float32, and bfloat16 factors against autocast to bfloat16. Writes its section of bench/RESULTS.md where `--out` is given.
 * usage: npx tsx bench/train/main.ts --python PYTHON [--rounds 10] [--rows 32] [--length 256] [--threads 2] [--model FOLDER] [--profile] [--before FOLDER]
 * `--before` names another checkout of this project, built, whose step is measured beside this one's.
 */

import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PRECISIONS, type Precision } from "../../src/passes/index.ts";
import { usedPrecision } from "../../src/train/index.ts";
import { describeMachine } from "../machine.ts";
import { writeSection } from "../results-section.ts";
import { makeBatch } from "./make-batch.ts";
import { alternate, type SideResult, side } from "./pair.ts";
import { readProfile } from "./profile.ts";
import { resultsTable } from "./results-table.ts";

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
    before: { type: "string" },
    out: { type: "string" },
  },
});
/** Relative difference of the first losses beyond which the two sides do not do the same. */
const TOLERANCE: Record<Precision, number> = { float32: 1e-4, bfloat16: 1e-2 };
const PROFILED = 3;

const folder = await mkdtemp(join(tmpdir(), "flashvl-bench-"));

async function measure(precision: Precision) {
  const step = (file: string) => ["--import", "tsx", file, folder, values.threads, precision];
  const ours = step(here("our-step.ts"));
  const results: Record<string, SideResult> = await alternate(
    {
      flashvl: [process.execPath, ours],
      ...(values.before ? { before: [process.execPath, step(resolve(values.before, "bench/train/our-step.ts"))] } : {}),
      ...(values.python ? { torch: [values.python, [here("torch_step.py"), folder, values.threads, precision]] } : {}),
    },
    Number(values.rounds),
  );
  const [a, b, before] = [results.flashvl!, results.torch, results.before];
  for (const other of [b, before])
    if (other && Math.abs(a.losses[0]! - other.losses[0]!) > TOLERANCE[precision] * other.losses[0]!)
      throw new Error(`the two sides do not do the same: first losses ${a.losses[0]} and ${other.losses[0]}`);
  return {
    precision,
    flashvl: a,
    torch: b,
    before,
    speedOverBefore: before ? before.msPerStep / a.msPerStep : undefined,
    speedOverTorch: b ? b.msPerStep / a.msPerStep : undefined,
    profile: values.profile ? await profile(ours, precision) : undefined,
  };
}

async function profile(ours: string[], precision: Precision) {
  const prefix = `profile-${precision}`;
  const profiled = side(process.execPath, [...ours, join(folder, prefix)]);
  await profiled.ready;
  for (let i = 0; i < PROFILED; i++) await profiled.step();
  await profiled.end();
  const file = (await readdir(folder)).find((name) => name.startsWith(prefix) && name.endsWith(".json"));
  if (!file) throw new Error("ONNX Runtime wrote no profile");
  const { parts, kernels } = readProfile(join(folder, file));
  return { parts, kernels: kernels.slice(0, 15) };
}

try {
  await makeBatch(folder, values.model, Number(values.rows), Number(values.length));
  const pairs = [];
  // A machine without bfloat16 products has one row only.
  for (const precision of PRECISIONS) if (usedPrecision(precision) === precision) pairs.push(await measure(precision));
  const report = {
    benchmark: "train/sft-step",
    rows: Number(values.rows),
    tokensPerRow: Number(values.length),
    threads: Number(values.threads),
    rounds: Number(values.rounds),
    machine: describeMachine(),
    pairs,
  };
  const text = JSON.stringify(report, null, 2);
  if (values.out) {
    await writeFile(values.out, `${text}\n`);
    writeSection(values.before ? "train-before" : "train", resultsTable(report));
  }
  console.log(text);
} finally {
  await rm(folder, { recursive: true, force: true });
}
