/** @file Runs a recipe whose data the market generator draws: stages "see", "sft" and "grpo". */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readPreprocessorConfig } from "../processor/index.ts";
import { type Family, type MarketRow, marketTask, seedRanges } from "../tasks/index.ts";
import { marketRows, marketSequences, type SampleContext, seeClasses, seeSamples } from "./data/market-source.ts";
import { readSampleContext } from "./data/sample-context.ts";
import type { Sequence } from "./data/sequence.ts";
import { trainGrpo } from "./grpo.ts";
import type { GrpoRecipe, Recipe, SftRecipe } from "./recipe.ts";
import { trainToSee } from "./see.ts";
import { trainSft } from "./sft.ts";

export interface RunOptions {
  readonly run: string;
  readonly signal?: AbortSignal;
  readonly print?: (line: string) => void;
}

/** Validation pictures come from another data seed than any training run's. */
const VALIDATION_SEED = 7_777_777;

async function runSft(recipe: SftRecipe, options: RunOptions): Promise<string> {
  const context = await readSampleContext(recipe.model);
  const validation: Sequence[] = [];
  if (recipe.validation?.market) {
    const source = marketSequences(context, { ...recipe.validation.market, seed: VALIDATION_SEED }, 0);
    for await (const sequence of source) if (validation.push(sequence) >= recipe.validation.samples) break;
  }
  const samples = (start: number) => marketSequences(context, recipe.data.market!, start);
  return (await trainSft(recipe, { ...options, samples, validation })).last;
}

async function runGrpo(recipe: GrpoRecipe, options: RunOptions): Promise<string> {
  const { seed, families, workers } = recipe.data.market!;
  // Held-out questions come from the last training pictures: the fixed test sets stay unseen until the very end.
  const { first, count } = seedRanges.train;
  const heldOut: MarketRow[] = [];
  const last = Array.from({ length: recipe.evalPictures }, (_, i) => first + count - 1 - i);
  const task = marketTask({ split: "train", families: families as Family[] | undefined, seeds: last, workers });
  for await (const row of task.rows()) heldOut.push(row);
  return trainGrpo<MarketRow>(recipe, {
    ...options,
    task,
    rows: (start) => marketRows({ seed, families: families as Family[] | undefined, workers }, start),
    heldOut,
  });
}

/** Runs one recipe over drawn data. @returns the last checkpoint's folder */
export async function runMarketRecipe(recipe: Recipe, options: RunOptions): Promise<string> {
  if (recipe.stage === "sft") return runSft(recipe, options);
  if (recipe.stage === "grpo") return runGrpo(recipe, options);
  const context = await seeContext(recipe.model);
  const { seed, workers } = recipe.data.market;
  return trainToSee(recipe, {
    ...options,
    classes: seeClasses,
    samples: (start) => seeSamples(context, { seed, workers, sheets: recipe.sheets }, start),
  });
}

/** Teaching to see needs no tokenizer, so a folder without one will do. */
async function seeContext(folder: string): Promise<Pick<SampleContext, "preprocessor">> {
  return {
    preprocessor: readPreprocessorConfig(JSON.parse(await readFile(join(folder, "preprocessor_config.json"), "utf8"))),
  };
}
