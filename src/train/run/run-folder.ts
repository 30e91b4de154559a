/** @file The folder of a run: its recipe, versions, metrics and checkpoints. */

import { appendFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { acquireLock, makeFolder, writeWhole } from "../../common/node.ts";
import type { Precision } from "../../passes/index.ts";
import { alone, type Communicator } from "../../ranks/index.ts";
import { usedPrecision } from "../native-training.ts";
import { isOfRank } from "../rank-times.ts";
import { openReporters } from "./reporter.ts";
import { writeVersions } from "./versions.ts";

/** What every run is told beside its recipe. */
export interface RunOptions {
  /** Folder of the run. Where it holds a checkpoint, the run goes on from there. */
  readonly run: string;
  /** Ends the run after the step at hand, with a checkpoint. */
  readonly signal?: AbortSignal;
  /** Receives the lines that a run prints. */
  readonly print?: (line: string) => void;
  /** Processes that train together, see `openRanks`; this one alone when left out. Rank 0 writes the folder, the others do not touch it. */
  readonly ranks?: Communicator;
}

export type Metrics = Readonly<Record<string, number>>;

export interface RunFolder {
  readonly path: string;
  readonly checkpoints: string;
  /** Appends one record to metrics.jsonl, prints the live line and tells the reporters. */
  log(step: number, metrics: Metrics): void;
  /** Appends one record to another .jsonl file of the run, such as completions. */
  record(file: string, row: object): void;
  /** Waits for the reporters to end. @throws what the first of them failed with */
  close(): Promise<void>;
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
  await writeWhole(path, kept.map((line) => `${line}\n`).join(""));
}

/**
 * Does `work` while no other process writes into the folder of the run.
 * @param work receives a signal that aborts with `signal`, and when another machine took the lock over from a process that
 * stood still for long
 * @throws LockedError naming the process that trains in this folder
 */
export async function withRunLock<T>(
  run: string,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const lock = await acquireLock(join(run, "run.lock"), { what: `training in ${run}`, wait: false });
  try {
    return await work(signal ? AbortSignal.any([signal, lock.lost]) : lock.lost);
  } finally {
    await lock.release();
  }
}

const show = (value: number): string =>
  value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)
    ? value.toExponential(2)
    : String(+value.toPrecision(4));

const duration = (seconds: number): string => {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
};

/** Shown in another form, or of use to programs only. */
const NOT_SHOWN = new Set(["epoch", "fill", "tokens", "wait_ms"]);

export interface LineContext {
  /** All steps of the run, where they are known. */
  readonly steps?: number;
  /** Steps per second lately. */
  readonly pace?: number;
}

/**
 * One readable line for a terminal: how far the run is, its metrics, how fast it is and when it will end.
 * @example liveLine(10, { loss: 2.5, epoch: 0.4, step_ms: 500 }, { steps: 40, pace: 2 }) // "step 10/40 · epoch 0.4 · loss 2.5 · step_ms 500 · ends in 15 s"
 */
export function liveLine(step: number, metrics: Metrics, { steps, pace }: LineContext = {}): string {
  const { epoch, fill, tokens, step_ms: ms } = metrics;
  const shown = Object.entries(metrics).filter(([key]) => !NOT_SHOWN.has(key) && !isOfRank(key));
  return [
    `step ${step}${steps === undefined ? "" : `/${steps}`}`,
    ...(epoch === undefined ? [] : [`epoch ${epoch.toFixed(2)}`]),
    ...shown.map(([key, value]) => `${key} ${show(value)}`),
    ...(tokens === undefined || !ms ? [] : [`${Math.round((1000 * tokens) / ms)} tokens/s`]),
    ...(fill === undefined ? [] : [`${Math.round(100 * fill)} % filled`]),
    ...(steps === undefined || !pace || step >= steps ? [] : [`ends in ${duration((steps - step) / pace)}`]),
  ].join(" · ");
}

/** The folder of a run as ranks other than 0 see it: they write nothing. */
const folderOfOthers = (path: string): RunFolder => ({
  path,
  checkpoints: join(path, "checkpoints"),
  log() {},
  record() {},
  async close() {},
});

/** What of a recipe its folder needs. */
export interface RunRecipe {
  readonly precision?: Precision;
  readonly steps?: number;
  readonly report?: string | readonly string[];
}

/**
 * Opens or creates the folder of a run.
 * @param resumedAt step to resume from; metrics after it are dropped. 0 for a new run
 * @param print receives one line per step
 * @param epochSize samples of an epoch: metrics with a number of samples then have their epoch
 */
export async function openRunFolder(
  path: string,
  recipe: RunRecipe,
  resumedAt: number,
  print: (line: string) => void,
  epochSize?: number,
): Promise<RunFolder> {
  const checkpoints = join(path, "checkpoints");
  await makeFolder(checkpoints);
  await writeWhole(join(path, "recipe.yaml"), stringify(recipe));
  await writeVersions(path);
  for (const file of ["metrics.jsonl", "completions.jsonl", "validation.jsonl"])
    await rewind(join(path, file), resumedAt);
  if (usedPrecision(recipe.precision) !== (recipe.precision ?? "float32"))
    print(`precision: this machine has no kernels for ${recipe.precision}; products are float32`);
  const record = (file: string, row: object) => appendFileSync(join(path, file), `${JSON.stringify(row)}\n`);
  const reporters = await openReporters(recipe.report, { run: path, recipe, resumedAt });
  const started = performance.now();
  let first: number | undefined;
  const reporting: Promise<void>[] = [];
  return {
    path,
    checkpoints,
    record,
    log(step, given) {
      const passes = given.samples ?? given.prompts;
      const metrics: Metrics = epochSize && passes !== undefined ? { epoch: passes / epochSize, ...given } : given;
      record("metrics.jsonl", { step, ...metrics });
      first ??= step - 1;
      print(
        liveLine(step, metrics, { steps: recipe.steps, pace: (1000 * (step - first)) / (performance.now() - started) }),
      );
      for (const reporter of reporters) {
        const told = (async () => reporter.log(step, metrics))();
        told.catch(() => {}); // close() tells
        reporting.push(told);
      }
    },
    async close() {
      try {
        await Promise.all(reporting);
      } finally {
        await Promise.all(reporters.map((reporter) => reporter.close?.()));
      }
    },
  };
}

/** The folder as this rank sees it: only rank 0 opens and writes it. */
export const openFolderOfRank = async (
  { run, print = () => {}, ranks = alone, epochSize }: RunOptions & { readonly epochSize?: number },
  recipe: RunRecipe,
  resumedAt: number,
): Promise<RunFolder> =>
  ranks.rank === 0 ? openRunFolder(run, recipe, resumedAt, print, epochSize) : folderOfOthers(run);
