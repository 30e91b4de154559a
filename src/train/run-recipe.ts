/** @file Runs any recipe: the one function behind `flashvl train`. */

import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parse, stringify } from "yaml";
import { StateFileError } from "../common/node.ts";
import { openCheckpoint, resolveModel } from "../hub/index.ts";
import { parseConfig } from "../model/index.ts";
import { defaultModelFolder } from "../node/index.ts";
import { alone, type Communicator, fromFirst } from "../ranks/index.ts";
import { openAuxiliaryLosses, type WeightedLoss } from "./auxiliary-loss.ts";
import { TrainingInputError } from "./input-error.ts";
import { type Fitted, memoryLine } from "./memory/fit-memory.ts";
import type { Resolve } from "./open-module.ts";
import { readRecipe, resolverOf } from "./recipe/read-recipe.ts";
import type { DpoRecipe, GrpoRecipe, Recipe, SftRecipe } from "./recipe/schema.ts";
import { agreeOnData, agreeOnRecipe } from "./run/agree.ts";
import { dataFiles, noteData } from "./run/data-files.ts";
import { type RunOptions, withRunLock } from "./run/run-folder.ts";
import { threadsOfRank } from "./run/threads-of-ranks.ts";
import { newestCheckpoint } from "./run/training-state.ts";
import { readVersions, type Versions, versions } from "./run/versions.ts";
import { runFileRecipe } from "./run-file.ts";
import { runFileDpo } from "./run-file-dpo.ts";
import { runFileGrpo } from "./run-file-grpo.ts";
import { runSourceDpo, runSourceGrpo, runSourceSft } from "./run-source.ts";

export interface RunRecipeOptions {
  /** Folder of the run; runs/<name of the recipe> when left out. */
  readonly run?: string;
  /** Go on from the newest checkpoint of the folder. Without it, a folder that has one is refused. */
  readonly resume?: boolean;
  /** Refuse recipes of another stage. */
  readonly stage?: Recipe["stage"];
  /** Ends the run after the step at hand, with a checkpoint. */
  readonly signal?: AbortSignal;
  readonly print?: (line: string) => void;
  /** Processes that train together, see `openRanks`; this one alone when left out. */
  readonly ranks?: Communicator;
}

export interface RunResult {
  readonly run: string;
  /** Newest checkpoint in the published layout. */
  readonly last: string;
  /** The one with the lowest validation loss, where there was validation. */
  readonly best?: string;
}

/** The recipe that the run was started with, complete; undefined where there is none. */
async function recipeOf(run: string): Promise<Record<string, unknown> | undefined> {
  const text = await readFile(join(run, "recipe.yaml"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : ((parse(text) ?? {}) as Record<string, unknown>);
}

/** Top-level keys in which the recipe differs from the one that the run was started with. */
async function changedKeys(run: string, recipe: object): Promise<string[]> {
  const before = await recipeOf(run);
  if (!before) return [];
  const now = JSON.parse(JSON.stringify(recipe)) as Record<string, unknown>;
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keys].filter((key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]));
}

/** What is not as it was when the run was last started, such as "node: v20.19.0, now v20.20.2". */
async function changedVersions(run: string, print: (line: string) => void): Promise<string[]> {
  const before = await readVersions(run).catch((error: unknown): Versions => {
    // It is here for a note alone, so a damaged one does not end the run.
    if (error instanceof StateFileError) print(error.message);
    else throw error;
    return {};
  });
  if (!before) return [];
  return Object.entries(versions()).flatMap(([key, now]) =>
    before[key] === undefined || before[key] === now ? [] : [`${key}: ${before[key]}, now ${now}`],
  );
}

/** The folder of the model that a recipe names; one of the hub is downloaded. */
async function modelFolder(model: string, { signal, print = () => {} }: RunRecipeOptions): Promise<string> {
  if (model === "tiny") return defaultModelFolder();
  let tenths = 0;
  return resolveModel(model, {
    signal,
    onProgress({ bytes, totalBytes }) {
      const now = Math.floor((10 * bytes) / totalBytes);
      if (now > tenths) print(`downloading ${model}: ${10 * now} %`);
      tenths = Math.max(tenths, now);
    },
  });
}

/** Where a recipe runs unless told otherwise. @example defaultRun("recipes/tiny/2-chat.yaml") // "runs/2-chat" */
export const defaultRun = (path: string): string => join("runs", basename(path).replace(/\.ya?ml$/, ""));

/**
 * Reads a recipe and trains until it is done or `signal` aborts. One process at a time writes into a run's folder.
 * @throws LockedError naming the process that trains in this folder
 * @throws Error when the recipe is not valid, is of another stage, or the run folder holds a run and `resume` is not set
 * @example const { last } = await runRecipe("recipe.yaml", { run: "runs/a", print: console.log });
 */
export async function runRecipe(path: string, options: RunRecipeOptions = {}): Promise<RunResult> {
  const { stage, ranks = alone } = options;
  const recipe = await readRecipe(path);
  if (stage && recipe.stage !== stage)
    throw new TrainingInputError(`${path} is a recipe of stage "${recipe.stage}", expected "${stage}"`);
  const run = options.run ?? defaultRun(path);
  const print = ranks.rank === 0 ? (options.print ?? (() => {})) : () => {};
  if (ranks.size > 1) await agreeOnRecipe(ranks, parse(await readFile(path, "utf8")), recipe);
  recipe.model = await modelFolder(recipe.model, { ...options, print });
  const train = (signal: AbortSignal | undefined) =>
    runLocked(recipe, resolverOf(path), { ...options, run, signal, print, ranks });
  return ranks.rank === 0 ? withRunLock(run, options.signal, train) : train(options.signal);
}

interface LockedOptions extends RunRecipeOptions, RunOptions {
  readonly run: string;
  readonly print: (line: string) => void;
  readonly ranks: Communicator;
}

async function runLocked(
  recipe: Recipe,
  relative: Resolve,
  { run, resume = false, signal, print, ranks }: LockedOptions,
): Promise<RunResult> {
  recipe.threads ??= await threadsOfRank(ranks, print);
  const begun = await fromFirst(ranks, () => newestCheckpoint(join(run, "checkpoints")));
  if (begun && !resume)
    throw new TrainingInputError(
      `${run} holds a run already (${basename(begun)}): resume it, or choose another folder`,
    );
  if (begun) {
    print(`resuming from ${begun}`);
  }
  const begin = async (fitted: Fitted<SftRecipe | GrpoRecipe | DpoRecipe>, samples?: number): Promise<void> => {
    const filled = fitted.recipe;
    const files = await dataFiles(filled);
    if (ranks.size > 1) await agreeOnData(ranks, filled, files);
    if (ranks.rank > 0) return;
    if (begun) {
      const changed = await changedKeys(run, filled);
      if (changed.length) print(`the recipe has changed since the run was started: ${changed.join(", ")}`);
      const other = await changedVersions(run, print);
      if (other.length) print(`not as when the run was started, so its last digits may differ: ${other.join(", ")}`);
    }
    for (const name of await noteData(run, files)) print(`the data has changed since the run was started: ${name}`);
    for (const line of stringify(filled).trimEnd().split("\n")) print(line);
    print(planLine(filled, samples));
    print(memoryLine(fitted.memory, fitted.limit));
    const shared = sharedBy(ranks.size, filled);
    if (shared) print(shared);
  };
  const common = {
    run,
    signal,
    print,
    ranks,
    begin,
    // Ranks work on batches of one shape, so the first decides; each has its part of what is free.
    free: await fromFirst(ranks, () => process.availableMemory() / ranks.size),
    begun: begun ? await fromFirst(ranks, () => recipeOf(run)) : undefined,
  };
  if (recipe.stage === "sft") {
    const auxiliary = (filled: SftRecipe) => auxiliaryOf(filled, relative);
    const { last, best } = await (recipe.data.file
      ? runFileRecipe(recipe, { ...common, auxiliary })
      : runSourceSft(recipe, { ...common, auxiliary, resolve: relative }));
    return { run, last, best };
  }
  if (recipe.stage === "dpo") {
    const last = await (recipe.data.file
      ? runFileDpo(recipe, common)
      : runSourceDpo(recipe, { ...common, resolve: relative }));
    return { run, last };
  }
  const last = await (recipe.data.file
    ? runFileGrpo(recipe, common)
    : runSourceGrpo(recipe, { ...common, resolve: relative }));
  return { run, last };
}

const COUNTED = { sft: "samples", grpo: "prompts", dpo: "pairs" } as const;
function perStep(
  recipe:
    | Pick<SftRecipe, "stage" | "batchSize" | "accumulate">
    | Pick<GrpoRecipe, "stage" | "promptsPerStep">
    | Pick<DpoRecipe, "stage" | "pairsPerStep">,
): number | undefined {
  if (recipe.stage === "grpo") return recipe.promptsPerStep;
  if (recipe.stage === "dpo") return recipe.pairsPerStep;
  return recipe.batchSize && recipe.batchSize * recipe.accumulate;
}

/** What becomes of ranks that an update has no work for; undefined where there are none. */
function sharedBy(ranks: number, recipe: SftRecipe | GrpoRecipe | DpoRecipe): string | undefined {
  if (recipe.stage === "dpo") return undefined;
  const [key, parts] =
    recipe.stage === "sft" ? ["accumulate", recipe.accumulate] : ["promptsPerStep", recipe.promptsPerStep];
  const each = Math.ceil(parts / ranks);
  const busy = Math.ceil(parts / each);
  return busy < ranks
    ? `${key} is ${parts}, so ${ranks - busy} of ${ranks} ranks have nothing to do in an update; make it a multiple of ${ranks}`
    : undefined;
}

/** @example "40 rows, 8 a step: 15 steps are 3 epochs; a batch is 2 rows of 96 tokens with up to 8 pictures and 64 trained tokens; learning rate 0.0016" */
function planLine(
  { batch, steps, optimizer, ...recipe }: SftRecipe | GrpoRecipe | DpoRecipe,
  samples: number | undefined,
): string {
  const { rows, length, images, labels } = batch;
  const each = perStep(recipe);
  const epochs = samples && each ? ` are ${+((steps * each) / samples).toPrecision(3)} epochs of ${samples} rows` : "";
  const { learningRate } = optimizer;
  return [
    `${steps} steps${each === undefined ? "" : ` of ${each} ${COUNTED[recipe.stage]}`}${epochs}`,
    `a batch is ${rows} rows of ${length} tokens with up to ${images} pictures and ${labels} trained tokens`,
    `learning rate ${typeof learningRate === "number" ? learningRate : JSON.stringify(learningRate)}`,
  ].join("; ");
}

async function auxiliaryOf({ auxiliary, model, batch }: SftRecipe, relative: Resolve): Promise<WeightedLoss[]> {
  if (auxiliary.length === 0) return [];
  const checkpoint = await openCheckpoint(model);
  try {
    return await openAuxiliaryLosses(auxiliary, {
      config: parseConfig(checkpoint.config),
      shape: batch,
      resolve: relative,
    });
  } finally {
    await checkpoint.close();
  }
}
