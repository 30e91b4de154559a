/** @file Supervised fine-tuning on a file of conversations. */

import { ConversationFile } from "./data/file-sequences.ts";
import { reportDropped } from "./data/report-dropped.ts";
import { openRows } from "./data/rows/row-source.ts";
import { readSampleContext } from "./data/sample-context.ts";
import type { Sequence } from "./data/sequence.ts";
import { splitRows } from "./data/shuffled-rows.ts";
import { TrainingInputError } from "./input-error.ts";
import type { SftRecipe } from "./recipe.ts";
import { type SftResult, trainSft } from "./sft.ts";

export interface FileRunOptions {
  readonly run: string;
  readonly signal?: AbortSignal;
  readonly print?: (line: string) => void;
}

/** Rows of a data file. */
export async function countRows(path: string): Promise<number> {
  const file = await openRows(path);
  await file.close();
  return file.length;
}

async function readSome(file: ConversationFile, rows: ArrayLike<number>): Promise<Sequence[]> {
  const samples = await Promise.all(Array.from(rows, (row) => file.sample(row)));
  return samples.filter((s): s is Sequence => s !== undefined);
}

/**
 * Trains on `data.file`. Validation: `validation.file`, else as many rows of the training file as `validation.samples` says,
 * which are then not trained on.
 * @throws BadRowError naming file and line, where `onBadRow` is "stop"; nothing is written then but the run folder
 */
export async function runFileRecipe(recipe: SftRecipe, options: FileRunOptions): Promise<SftResult> {
  const { data, validation, batch, seed, onBadRow, maxLength } = recipe;
  if (!data.file) throw new Error("the recipe has no data.file");
  const context = await readSampleContext(recipe.model);
  const report = reportDropped(options.print ?? (() => {}));
  const common = {
    seed,
    onBadRow,
    images: data.images,
    limits: { length: Math.min(maxLength ?? batch.length, batch.length), images: batch.images, labels: batch.labels },
    onDropped: report.onDropped,
  };
  const splits = validation && !validation.file && !validation.market;
  const split = splits ? splitRows(await countRows(data.file), validation.samples, seed) : undefined;
  const train = await ConversationFile.open(context, { ...common, file: data.file, rows: split?.train });
  let held: Sequence[] = [];
  try {
    if (split) held = await readSome(train, split.validation);
    else if (validation?.file) {
      const file = await ConversationFile.open(context, { ...common, file: validation.file });
      try {
        held = await readSome(
          file,
          Array.from({ length: Math.min(file.rows, validation.samples) }, (_, i) => i),
        );
      } finally {
        await file.close();
      }
    }
    if (validation && held.length === 0)
      throw new TrainingInputError("no validation row can be used: see the rows left out");
    return await trainSft(recipe, { ...options, samples: (start) => train.sequences(start), validation: held });
  } finally {
    report.summary();
    await train.close();
  }
}
