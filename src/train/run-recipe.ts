/** @file Runs any recipe: the one function behind `flashvl train`. */

import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parse, stringify } from "yaml";
import { TrainingInputError } from "./input-error.ts";
import { type Recipe, readRecipe } from "./recipe.ts";
import { newestCheckpoint } from "./run/training-state.ts";
import { versions } from "./run/versions.ts";
import { runFileRecipe } from "./run-file.ts";
import { runFileGrpo } from "./run-file-grpo.ts";
import { runMarketRecipe } from "./run-market.ts";

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
}

export interface RunResult {
  readonly run: string;
  /** Newest checkpoint in the published layout. */
  readonly last: string;
  /** The one with the lowest validation loss, where there was validation. */
  readonly best?: string;
}

/** Top-level keys in which the recipe differs from the one that the run was started with. */
async function changedKeys(run: string, recipe: Recipe): Promise<string[]> {
  const text = await readFile(join(run, "recipe.yaml"), "utf8").catch(() => undefined);
  if (text === undefined) return [];
  const before = (parse(text) ?? {}) as Record<string, unknown>;
  const now = JSON.parse(JSON.stringify(recipe)) as Record<string, unknown>;
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keys].filter((key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]));
}

/** What is not as it was when the run was last started, such as "node: v20.19.0, now v20.20.2". */
async function changedVersions(run: string): Promise<string[]> {
  const text = await readFile(join(run, "versions.json"), "utf8").catch(() => "{}");
  const before = JSON.parse(text) as Record<string, string | number>;
  return Object.entries(versions()).flatMap(([key, now]) =>
    before[key] === undefined || before[key] === now ? [] : [`${key}: ${before[key]}, now ${now}`],
  );
}

/** Where a recipe runs unless told otherwise. @example defaultRun("recipes/tiny/2-chat.yaml") // "runs/2-chat" */
export const defaultRun = (path: string): string => join("runs", basename(path).replace(/\.ya?ml$/, ""));

/**
 * Reads a recipe and trains until it is done or `signal` aborts.
 * @throws Error when the recipe is not valid, is of another stage, or the run folder holds a run and `resume` is not set
 * @example const { last } = await runRecipe("recipe.yaml", { run: "runs/a", print: console.log });
 */
export async function runRecipe(path: string, options: RunRecipeOptions = {}): Promise<RunResult> {
  const { stage, resume = false, signal, print = () => {} } = options;
  const recipe = await readRecipe(path);
  if (stage && recipe.stage !== stage)
    throw new TrainingInputError(`${path} is a recipe of stage "${recipe.stage}", expected "${stage}"`);
  const run = options.run ?? defaultRun(path);
  const begun = await newestCheckpoint(join(run, "checkpoints"));
  if (begun && !resume)
    throw new TrainingInputError(
      `${run} holds a run already (${basename(begun)}): resume it, or choose another folder`,
    );
  if (begun) {
    print(`resuming from ${begun}`);
    const changed = await changedKeys(run, recipe);
    if (changed.length) print(`the recipe has changed since the run was started: ${changed.join(", ")}`);
    const other = await changedVersions(run);
    if (other.length) print(`not as when the run was started, so its last digits may differ: ${other.join(", ")}`);
  }
  for (const line of stringify(recipe).trimEnd().split("\n")) print(line);
  const common = { run, signal, print };
  if (recipe.stage === "sft" && recipe.data.file) {
    const { last, best } = await runFileRecipe(recipe, common);
    return { run, last, best };
  }
  if (recipe.stage === "grpo" && recipe.data.file) return { run, last: await runFileGrpo(recipe, common) };
  const last = await runMarketRecipe(recipe, common);
  return { run, last, best: await newestCheckpoint(join(run, "checkpoints-best")) };
}
