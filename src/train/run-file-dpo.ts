/** @file Training on files of preference pairs. */

import { openPairs } from "./data/pairs.ts";
import { trainDpo } from "./dpo.ts";
import { dpoBatches } from "./recipe/fill-recipe.ts";
import type { DpoKeys, DpoRecipe } from "./recipe/schema.ts";
import type { FileRunOptions } from "./run-file.ts";
import { trainOnFiles } from "./train-on-files.ts";

/** Trains on the pairs of `data.file`; see `trainOnFiles`. */
export function runFileDpo(recipe: DpoKeys, options: FileRunOptions<DpoRecipe>): Promise<string> {
  const { begin: _, ...runOptions } = options;
  const limits = { length: Infinity, images: Infinity, labels: Infinity };
  return trainOnFiles(recipe, options, {
    measured: 1000,
    open: (context, rows) => openPairs(context, { ...rows, limits }),
    batches: dpoBatches,
    limit: ({ batch: { length, images, labels } }) => Object.assign(limits, { length, images, labels }),
    train: (filled, pairs, heldOut) =>
      trainDpo(filled, {
        ...runOptions,
        pairs: (start) => pairs.items(start),
        epochSize: pairs.length,
        heldOut,
      }),
  });
}
