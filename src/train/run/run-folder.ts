/** @file The folder of a run: its recipe, versions, metrics and checkpoints. */

import { appendFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Precision } from "../../model/index.ts";
import { usedPrecision } from "../step-session.ts";
import { versions } from "./versions.ts";

export type Metrics = Readonly<Record<string, number>>;

export interface RunFolder {
  readonly path: string;
  readonly checkpoints: string;
  /** Appends one record to metrics.jsonl and prints the live line. */
  log(step: number, metrics: Metrics): void;
  /** Appends one record to another .jsonl file of the run, such as completions. */
  record(file: string, row: object): void;
}

/** Keeps the records of a .jsonl file up to `step`: what came after the checkpoint that a run resumes from never happened. */
async function rewind(path: string, step: number): Promise<void> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return;
  const kept = text.split("\n").filter((line) => {
    try {
      return (JSON.parse(line) as { step: number }).step <= step;
    } catch {
      return false; // the empty end, or a line that a kill cut short
    }
  });
  await writeFile(path, kept.map((line) => `${line}\n`).join(""));
}

const show = (value: number): string =>
  value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)
    ? value.toExponential(2)
    : String(+value.toPrecision(4));

/** One readable line for a terminal. @example liveLine(10, { loss: 2.5 }) // "step 10 · loss 2.5" */
export const liveLine = (step: number, metrics: Metrics): string =>
  [`step ${step}`, ...Object.entries(metrics).map(([k, v]) => `${k} ${show(v)}`)].join(" · ");

/**
 * Opens or creates the folder of a run.
 * @param resumedAt step to resume from; metrics after it are dropped. 0 for a new run
 * @param print receives one line per step
 */
export async function openRunFolder(
  path: string,
  recipe: { readonly precision?: Precision },
  resumedAt: number,
  print: (line: string) => void,
): Promise<RunFolder> {
  const checkpoints = join(path, "checkpoints");
  await mkdir(checkpoints, { recursive: true });
  await writeFile(join(path, "recipe.yaml"), stringify(recipe));
  await writeFile(join(path, "versions.json"), `${JSON.stringify(versions(), null, 2)}\n`);
  for (const file of ["metrics.jsonl", "completions.jsonl"]) await rewind(join(path, file), resumedAt);
  if (usedPrecision(recipe.precision) !== (recipe.precision ?? "float32"))
    print(`precision: this machine has no kernels for ${recipe.precision}; products are float32`);
  const record = (file: string, row: object) => appendFileSync(join(path, file), `${JSON.stringify(row)}\n`);
  return {
    path,
    checkpoints,
    record,
    log(step, metrics) {
      record("metrics.jsonl", { step, ...metrics });
      print(liveLine(step, metrics));
    },
  };
}
