/** @file Reinforcement learning on files of prompts. */

import { openPrompts, promptTask } from "./data/file-prompts.ts";
import { heldOutItems, heldOutRows } from "./data/held-out.ts";
import { reportDropped } from "./data/report-dropped.ts";
import { readSampleContext } from "./data/sample-context.ts";
import { trainGrpo } from "./grpo.ts";
import { fitMemory } from "./memory/fit-memory.ts";
import { grpoBatches } from "./recipe/fill-recipe.ts";
import { filesOf, type GrpoKeys, type GrpoRecipe } from "./recipe/schema.ts";
import { type FileRunOptions, memoryOptions } from "./run-file.ts";

/** Prompts that are measured to work out the shape of batches. */
const MEASURED = 500;

/**
 * Trains on the prompts of `data.file`. Held out: `validation.file`, else a part of the training rows, which are then not
 * trained on.
 * @returns the last checkpoint's folder
 * @throws BadRowError naming file and line, where `onBadRow` is "stop"
 */
export async function runFileGrpo(
  recipe: GrpoKeys,
  { begin, ...options }: FileRunOptions<GrpoRecipe>,
): Promise<string> {
  const { data, validation, seed, onBadRow } = recipe;
  if (!data.file) throw new Error("the recipe has no data.file");
  const context = await readSampleContext(recipe.model, recipe);
  const report = reportDropped(options.print ?? (() => {}));
  const limits = { length: Infinity, images: Infinity };
  const common = {
    seed,
    onBadRow,
    question: data.question,
    signal: options.signal,
    limits,
    needsAnswer: recipe.rewards.some((r) => "name" in r && r.name === "accuracy"),
    onDropped: report.onDropped,
    lazy: true,
  };
  const files = filesOf(data.file, data.images);
  const split =
    validation && !validation.file ? await heldOutRows(files, validation.samples, seed, options.signal) : undefined;
  const train = await openPrompts(context, { ...common, files, rows: split?.train });
  try {
    const measures = { samples: train.length, sizes: await train.sizes(MEASURED) };
    const candidates = grpoBatches(recipe, context.config, measures);
    const fitted = fitMemory(context.config, candidates, memoryOptions(recipe, options));
    const filled = fitted.recipe;
    limits.length = filled.batch.length - recipe.rollout.maxNewTokens;
    limits.images = filled.batch.images;
    const own = validation?.file;
    const openOwn = own ? () => openPrompts(context, { ...common, files: filesOf(own, data.images) }) : undefined;
    const heldOut = validation ? await heldOutItems(train, split?.validation, validation.samples, openOwn) : [];
    await begin?.(fitted, train.length);
    return await trainGrpo(filled, {
      ...options,
      task: promptTask,
      load: async (row) => (await row.load?.()) ?? row,
      rows: (start) => train.items(start),
      epochSize: train.length,
      heldOut: validation && heldOut,
    });
  } finally {
    report.summary();
    await train.close();
  }
}
