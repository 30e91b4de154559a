/** @file Reinforcement learning on files of prompts. */

import { openPrompts, promptTask } from "./data/file-prompts.ts";
import { trainGrpo } from "./grpo.ts";
import { grpoBatches } from "./recipe/fill-recipe.ts";
import type { GrpoKeys, GrpoRecipe } from "./recipe/schema.ts";
import type { FileRunOptions } from "./run-file.ts";
import { trainOnFiles } from "./train-on-files.ts";

/** Trains on the prompts of `data.file`; see `trainOnFiles`. */
export function runFileGrpo(recipe: GrpoKeys, options: FileRunOptions<GrpoRecipe>): Promise<string> {
  const { begin: _, ...runOptions } = options;
  const limits = { length: Infinity, images: Infinity };
  const needsAnswer = recipe.rewards.some((r) => "name" in r && r.name === "accuracy");
  return trainOnFiles(recipe, options, {
    measured: 500,
    open: (context, rows) => openPrompts(context, { ...rows, limits, needsAnswer }),
    batches: grpoBatches,
    limit: ({ batch, rollout }) => {
      limits.length = batch.length - rollout.maxNewTokens;
      limits.images = batch.images;
    },
    train: (filled, prompts, heldOut) =>
      trainGrpo(filled, {
        ...runOptions,
        task: promptTask,
        load: async (row) => (await row.load?.()) ?? row,
        rows: (start) => prompts.items(start),
        epochSize: prompts.length,
        heldOut: recipe.validation && heldOut,
      }),
  });
}
