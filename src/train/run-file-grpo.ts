/** @file Reinforcement learning on a file of prompts. */

import { openPrompts, type PromptRow, promptTask } from "./data/file-prompts.ts";
import { reportDropped } from "./data/report-dropped.ts";
import { readSampleContext } from "./data/sample-context.ts";
import { splitRows } from "./data/shuffled-rows.ts";
import { trainGrpo } from "./grpo.ts";
import { TrainingInputError } from "./input-error.ts";
import type { GrpoRecipe } from "./recipe.ts";
import { countRows, type FileRunOptions } from "./run-file.ts";

/**
 * Trains on the prompts of `data.file`. Held out: `validation.file`, else as many rows of the training file as
 * `validation.samples` says, which are then not trained on.
 * @returns the last checkpoint's folder
 * @throws BadRowError naming file and line, where `onBadRow` is "stop"
 */
export async function runFileGrpo(recipe: GrpoRecipe, options: FileRunOptions): Promise<string> {
  const { data, validation, batch, seed, onBadRow } = recipe;
  if (!data.file) throw new Error("the recipe has no data.file");
  const context = await readSampleContext(recipe.model);
  const report = reportDropped(options.print ?? (() => {}));
  const needsAnswer = recipe.rewards.some((r) => "name" in r && r.name === "accuracy");
  const common = {
    seed,
    onBadRow,
    images: data.images,
    limits: { length: batch.length - recipe.rollout.maxNewTokens, images: batch.images },
    needsAnswer,
    onDropped: report.onDropped,
  };
  const split =
    validation && !validation.file ? splitRows(await countRows(data.file), validation.samples, seed) : undefined;
  const train = await openPrompts(context, { ...common, file: data.file, rows: split?.train });
  try {
    const heldOut: PromptRow[] = [];
    const add = (row: PromptRow | undefined) => void (row && heldOut.push(row));
    if (split) for (const row of split.validation) add(await train.item(row));
    else if (validation?.file) {
      const file = await openPrompts(context, { ...common, file: validation.file });
      try {
        for (let i = 0; i < Math.min(file.rows, validation.samples); i++) add(await file.item(i));
      } finally {
        await file.close();
      }
    }
    if (validation && heldOut.length === 0)
      throw new TrainingInputError("no validation row can be used: see the rows left out");
    return await trainGrpo(recipe, {
      ...options,
      task: promptTask,
      rows: (start) => train.items(start),
      heldOut: validation && heldOut,
    });
  } finally {
    report.summary();
    await train.close();
  }
}
