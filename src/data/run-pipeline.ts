/** @file Runs the steps of a pipeline in order, each with the files that it reads. */

import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { makeFolder, withLock } from "../common/node.ts";
import { openModelCheckpoint } from "../compile/index.ts";
import { defaultModelFolder } from "../node/index.ts";
import { DataError } from "./data-error.ts";
import { type Database, openDatabase, quoted } from "./database.ts";
import { computedIn, sourceOf } from "./measure/columns.ts";
import { PictureStore } from "./measure/picture-store.ts";
import type { Workshop } from "./measure/read-rows.ts";
import { rowThreads } from "./measure/row-threads.ts";
import { inputsOf, type Pipeline, type Step } from "./pipeline.ts";
import { identityOf, isRemote, openRemote } from "./remote.ts";
import { runStep, type StepResult } from "./run-step.ts";
import { setFile } from "./steps/decontaminate.ts";

export interface RunPipelineOptions {
  /** Folder of the outputs, `<step>.jsonl` or `<step>.parquet`, and of their manifests. */
  readonly out: string;
  /** Most memory of DuckDB, such as "2GB" (the default); what does not fit goes to the folder of the outputs. */
  readonly memory?: string;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly print?: (line: string) => void;
}

/** Files that a path or a pattern names, in order of their names. @throws DataError when there are none */
async function findFiles(database: Database, pattern: string): Promise<string[]> {
  const found = await database.rows(`SELECT file FROM glob(${quoted(pattern)}) ORDER BY file`);
  if (found.length > 0) return found.map(({ file }) => String(file));
  throw new DataError(`no file is named ${pattern}, and no earlier step; paths are relative to the pipeline.`);
}

/** The model that a step's output depends on. */
function modelOf(step: Step, pipeline: Pipeline): string | undefined {
  if ("sample" in step) return pipeline.model;
  const expressions =
    "filter" in step
      ? [step.filter.where]
      : "dedup" in step
        ? [...(step.dedup.by ?? []), step.dedup.near?.of ?? ""]
        : [];
  const sources = computedIn(expressions).map(sourceOf);
  return "inspect" in step || sources.includes("size") || sources.includes("loss") ? pipeline.model : undefined;
}

/** The files of a model's folder that answers, losses and counts come from. */
async function modelFiles(model: string): Promise<string[]> {
  const { checkpoint } = await openModelCheckpoint(model, {});
  await checkpoint.close();
  const names = await readdir(checkpoint.folder);
  return names
    .filter((name) => /\.(json|safetensors|txt|jinja)$/.test(name))
    .sort()
    .map((name) => join(checkpoint.folder, name));
}

/** A path of a pipeline; what has a scheme stays. */
const located = (folder: string, path: string): string => (isRemote(path) ? path : resolve(folder, path));

/** A model as it is opened: the one that ships, a folder relative to the pipeline, or a name of the hub. */
function modelPath(folder: string, model: string): string {
  if (model === "tiny") return defaultModelFolder();
  return existsSync(resolve(folder, model)) || /^\.{0,2}\//.test(model) ? resolve(folder, model) : model;
}

/**
 * Runs a pipeline. Inputs are never changed; a step whose output was made of the same step, files and versions is not run again.
 * @throws DataError naming the step, and what DuckDB found wrong with its expression or its rows; outputs made so far stay
 * @throws LockedError when another process writes into the folder
 * @example await runPipeline(await readPipeline("clean.yaml"), { out: "clean" });
 */
export async function runPipeline(pipeline: Pipeline, options: RunPipelineOptions): Promise<StepResult[]> {
  const { out, memory = "2GB", threads, signal, print = () => {} } = options;
  const { folder, question, judge } = pipeline;
  const images = located(folder, pipeline.images ?? ".");
  const model = pipeline.model && modelPath(folder, pipeline.model);
  await makeFolder(out);
  return withLock(join(out, "data.lock"), { what: `writing data into ${out}`, wait: false }, async () => {
    const spill = join(out, ".spill");
    const cache = join(out, "measures");
    const width = threads ?? availableParallelism();
    const pool = rowThreads(width);
    const outputs = new Map<string, string>();
    const results: StepResult[] = [];
    let remote = false;
    let database: Database | undefined;
    try {
      await makeFolder(spill);
      database = await openDatabase({ memory, threads, signal, spill });
      const workshop: Workshop = {
        database,
        threads: pool,
        width: 2 * width,
        pictures: new PictureStore(database, pool, cache),
        cache,
        settings: { images, question, model, judge, threads },
        signal,
        print,
      };
      for (const step of pipeline.steps) {
        try {
          const sources: string[][] = [];
          const hashes: Record<string, string> = {};
          for (const from of inputsOf(step)) {
            if (isRemote(from) && !remote) await openRemote(database);
            remote ||= isRemote(from);
            const made = outputs.get(from);
            sources.push(made ? [made] : await findFiles(database, located(folder, from)));
          }
          const sets =
            "decontaminate" in step
              ? await Promise.all(step.decontaminate.sets.map((name) => setFile(name, folder)))
              : [];
          const used = modelOf(step, pipeline);
          const files = used === undefined ? [] : await modelFiles(modelPath(folder, used));
          if ("sample" in step)
            files.push(...step.sample.rewards.flatMap((reward) => ("module" in reward ? [reward.module] : [])));
          for (const file of [...sources.flat(), ...sets, ...files]) hashes[file] ??= await identityOf(database, file);
          const settings = { images: pipeline.images, question, model: used, judge };
          const result = await runStep(workshop, step, { sources, sets, hashes }, { out, settings });
          outputs.set(step.name, join(out, result.output));
          results.push(result);
          print(`${step.name}: ${result.rowsIn} rows in, ${result.rowsOut} out${result.reused ? " (was done)" : ""}`);
        } catch (error) {
          if (error instanceof DataError) error.message = `step "${step.name}": ${error.message}`;
          throw error;
        }
      }
      return results;
    } finally {
      database?.close();
      await rm(spill, { recursive: true, force: true });
    }
  });
}
