/** @file Training on files of preference pairs. */

import { heldOutItems, heldOutRows } from "./data/held-out.ts";
import { openPairs } from "./data/pairs.ts";
import { reportDropped } from "./data/report-dropped.ts";
import { readSampleContext } from "./data/sample-context.ts";
import { trainDpo } from "./dpo.ts";
import { fitMemory } from "./memory/fit-memory.ts";
import { dpoBatches } from "./recipe/fill-recipe.ts";
import { type DpoKeys, type DpoRecipe, filesOf } from "./recipe/schema.ts";
import { type FileRunOptions, memoryOptions } from "./run-file.ts";

/** Pairs that are measured to work out the shape of batches. */
const MEASURED = 1000;

/**
 * Trains on the pairs of `data.file`. Held out: `validation.file`, else a part of the training rows, which are then not trained on.
 * @returns the last checkpoint's folder
 * @throws BadRowError naming file and line, where `onBadRow` is "stop"
 */
export async function runFileDpo(recipe: DpoKeys, { begin, ...options }: FileRunOptions<DpoRecipe>): Promise<string> {
  const { data, validation, seed, onBadRow } = recipe;
  if (!data.file) throw new Error("the recipe has no data.file");
  const context = await readSampleContext(recipe.model, recipe);
  const report = reportDropped(options.print ?? (() => {}));
  const limits = { length: Infinity, images: Infinity, labels: Infinity };
  const common = {
    seed,
    onBadRow,
    question: data.question,
    signal: options.signal,
    limits,
    onDropped: report.onDropped,
    lazy: true,
  };
  const files = filesOf(data.file, data.images);
  const split =
    validation && !validation.file ? await heldOutRows(files, validation.samples, seed, options.signal) : undefined;
  const train = await openPairs(context, { ...common, files, rows: split?.train });
  try {
    const measures = { samples: train.length, sizes: await train.sizes(MEASURED) };
    const candidates = dpoBatches(recipe, context.config, measures);
    const fitted = fitMemory(context.config, candidates, memoryOptions(recipe, options));
    const filled = fitted.recipe;
    const { length, images, labels } = filled.batch;
    Object.assign(limits, { length, images, labels });
    const own = validation?.file;
    const openOwn = own ? () => openPairs(context, { ...common, files: filesOf(own, data.images) }) : undefined;
    const heldOut = validation ? await heldOutItems(train, split?.validation, validation.samples, openOwn) : [];
    await begin?.(fitted, train.length);
    return await trainDpo(filled, {
      ...options,
      pairs: (start) => train.items(start),
      epochSize: train.length,
      heldOut,
    });
  } finally {
    report.summary();
    await train.close();
  }
}
