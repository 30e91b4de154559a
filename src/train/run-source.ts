/** @file Training on the data of a source: a user's module that a recipe names. */

import { openModelCheckpoint } from "../compile/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { type DataSource, openSource, type SourceContext } from "./data/data-source.ts";
import { readSampleContext } from "./data/sample-context.ts";
import { trainDpo } from "./dpo.ts";
import { trainGrpo } from "./grpo.ts";
import { TrainingInputError } from "./input-error.ts";
import { fitMemory } from "./memory/fit-memory.ts";
import type { Resolve, UserOptions } from "./open-module.ts";
import { fillDpo, fillGrpo, fillSft } from "./recipe/fill-recipe.ts";
import type { DpoKeys, DpoRecipe, GrpoKeys, GrpoRecipe, SftKeys, SftRecipe } from "./recipe/schema.ts";
import { type FileRunOptions, memoryOptions, type SftRunOptions } from "./run-file.ts";
import { type SftResult, trainSft } from "./sft.ts";

type Recipe = Pick<
  SftRecipe | GrpoRecipe | DpoRecipe,
  "model" | "batch" | "data" | "validation" | "iss" | "maxTiles" | "thumbnail"
>;

/** The source of a recipe, and what it holds out: with `validation.options`, where the recipe has them, of a source opened with those. */
async function openData<S extends DataSource, T>(
  { data, validation }: Recipe,
  open: (path: string, options: UserOptions) => Promise<S>,
  heldOutOf: (source: S, count: number) => AsyncIterable<T> | undefined,
): Promise<{ source: S; heldOut?: T[] }> {
  const path = data.source!;
  const source = await open(path, data.options ?? {});
  if (!validation) return { source };
  const { samples = 64, options } = validation;
  if (samples < 1)
    throw new TrainingInputError(
      `validation.samples is ${samples}; of a data.source give a number of samples, a share is of a file.`,
    );
  try {
    const held = options ? await open(path, options) : source;
    try {
      const given = heldOutOf(held, samples);
      if (!given)
        throw new TrainingInputError(
          `The recipe has a validation, but the data source ${path} holds nothing out. Give it heldOut(count), or leave validation out.`,
        );
      const heldOut: T[] = [];
      for await (const one of given) if (heldOut.push(one) >= samples) break;
      if (heldOut.length === 0)
        throw new TrainingInputError(`The data source ${path} holds out nothing, expected at least one sample.`);
      return { source, heldOut };
    } finally {
      if (held !== source) await held.close?.();
    }
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

/** What the source gives from `start` on. @throws TrainingInputError when it fails, naming the row */
async function* rowsFrom<T>(path: string, start: number, rows: AsyncIterable<T>): AsyncGenerator<T> {
  let at = start;
  try {
    for await (const row of rows) {
      yield row;
      at++;
    }
  } catch (error) {
    throw new TrainingInputError(`The data source ${path} failed at number ${at}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function contextOf(recipe: Recipe, length: number, resolve: Resolve): Promise<SourceContext> {
  const { images, labels } = recipe.batch;
  return { ...(await readSampleContext(recipe.model, recipe)), limits: { length, images, labels }, resolve };
}

async function configOf({ model, iss }: SftKeys | GrpoKeys | DpoKeys): Promise<ModelConfig> {
  const { checkpoint, config } = await openModelCheckpoint(model, { iss });
  await checkpoint.close();
  return config;
}

/** Supervised fine-tuning on `data.source`, validated on what the source holds out. */
export async function runSourceSft(
  keys: SftKeys,
  { resolve, begin, auxiliary, ...options }: SftRunOptions & { readonly resolve: Resolve },
): Promise<SftResult> {
  const config = await configOf(keys);
  const fitted = fitMemory(config, [fillSft(keys, config, undefined)], memoryOptions(keys, options));
  const { recipe } = fitted;
  const terms = await auxiliary?.(recipe);
  const context = await contextOf(recipe, recipe.batch.length, resolve);
  const { source, heldOut } = await openData(
    recipe,
    (path, given) => openSource(path, given, context, "sft"),
    ({ sft }, count) => sft.heldOut?.(count),
  );
  try {
    const samples = (start: number) => rowsFrom(recipe.data.source!, start, source.sft.samples(start));
    await begin?.(fitted);
    return await trainSft(recipe, { ...options, samples, validation: heldOut, auxiliary: terms });
  } finally {
    await source.close?.();
  }
}

/**
 * Reinforcement learning on `data.source`, evaluated on what the source holds out.
 * @returns the last checkpoint's folder
 */
export async function runSourceGrpo(
  keys: GrpoKeys,
  { resolve, begin, ...options }: FileRunOptions<GrpoRecipe> & { readonly resolve: Resolve },
): Promise<string> {
  const config = await configOf(keys);
  const fitted = fitMemory(config, [fillGrpo(keys, config, undefined)], memoryOptions(keys, options));
  const { recipe } = fitted;
  const context = await contextOf(recipe, recipe.batch.length - recipe.rollout.maxNewTokens, resolve);
  const { source, heldOut } = await openData(
    recipe,
    (path, given) => openSource(path, given, context, "grpo"),
    ({ grpo }, count) => grpo.heldOut?.(count),
  );
  try {
    await begin?.(fitted);
    const { task } = source.grpo;
    const rows = (start: number) => rowsFrom(recipe.data.source!, start, source.grpo.rows(start));
    return await trainGrpo(recipe, { ...options, task, rows, heldOut });
  } finally {
    await source.close?.();
  }
}

/**
 * Training on the preference pairs of `data.source`, evaluated on what the source holds out.
 * @returns the last checkpoint's folder
 */
export async function runSourceDpo(
  keys: DpoKeys,
  { resolve, begin, ...options }: FileRunOptions<DpoRecipe> & { readonly resolve: Resolve },
): Promise<string> {
  const config = await configOf(keys);
  const fitted = fitMemory(config, [fillDpo(keys, config, undefined)], memoryOptions(keys, options));
  const { recipe } = fitted;
  const context = await contextOf(recipe, recipe.batch.length, resolve);
  const { source, heldOut } = await openData(
    recipe,
    (path, given) => openSource(path, given, context, "dpo"),
    ({ dpo }, count) => dpo.heldOut?.(count),
  );
  try {
    await begin?.(fitted);
    const pairs = (start: number) => rowsFrom(recipe.data.source!, start, source.dpo.pairs(start));
    return await trainDpo(recipe, { ...options, pairs, heldOut });
  } finally {
    await source.close?.();
  }
}
