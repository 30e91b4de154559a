/** @file Runs a recipe in a child process and kills it: for runs that must go on afterwards as if nothing had happened. */

import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/** Sources instead of what was built, as in this process. */
const LOADER = ["--conditions=flashvl-source", "--import", "tsx"];
const PROCESS = fileURLToPath(new URL("./run-process.ts", import.meta.url));

/** Runs the recipe in a child process and kills it with SIGKILL as soon as it has logged `step`. */
export async function killAt(path: string, run: string, step: number): Promise<void> {
  const child = spawn(process.execPath, [...LOADER, PROCESS, path, run], { stdio: ["ignore", "pipe", "pipe"] });
  let [printed, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
    if (new RegExp(`step ${step}(/\\d+)? · `).test(printed)) child.kill("SIGKILL");
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const signal = await new Promise((done) => child.on("exit", (_, name) => done(name)));
  expect(signal, errors).toBe("SIGKILL");
}

/** The records of a run's .jsonl file, without times, which no two runs share. */
export async function recordsOf(run: string, file = "metrics.jsonl"): Promise<Record<string, number>[]> {
  const lines = (await readFile(join(run, file), "utf8")).trim().split("\n");
  return lines.map((line) =>
    Object.fromEntries(Object.entries(JSON.parse(line) as object).filter(([key]) => !key.endsWith("_ms"))),
  );
}

/** Expects the checkpoints of `step` to be the same in both runs, byte for byte. */
export async function expectSameCheckpoint(runs: readonly [string, string], step: number): Promise<void> {
  const name = `step-${String(step).padStart(7, "0")}`;
  for (const file of await readdir(join(runs[0]!, "checkpoints", name))) {
    const [a, b] = await Promise.all(runs.map((run) => readFile(join(run, "checkpoints", name, file))));
    expect(a!.equals(b!), file).toBe(true);
  }
}
