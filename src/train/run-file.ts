/** @file Supervised fine-tuning on files of conversations. */

import type { WeightedLoss } from "./auxiliary-loss.ts";
import { openPrompts, type PromptRow } from "./data/file-prompts.ts";
import { ConversationFile } from "./data/file-sequences.ts";
import { heldOutCount, heldOutRows } from "./data/held-out.ts";
import { reportDropped } from "./data/report-dropped.ts";
import { readSampleContext, type SampleContext } from "./data/sample-context.ts";
import type { Sequence } from "./data/sequence.ts";
import { TrainingInputError } from "./input-error.ts";
import { type BegunBatch, type FitOptions, type Fitted, fitMemory } from "./memory/fit-memory.ts";
import { sftBatches } from "./recipe/fill-recipe.ts";
import { filesOf, type SftKeys, type SftRecipe } from "./recipe/schema.ts";
import type { RunOptions } from "./run/run-folder.ts";
import { type SftOptions, type SftResult, trainSft } from "./sft.ts";

/** Rows that are measured to work out the shape of batches. */
const MEASURED = 2000;
/** Tokens beyond the longest reference that an answer of a validation may have. */
const SPARE_TOKENS = 16;
/** Steps between two validations where an epoch is longer. */
const RARELY = 100;
const UNLIMITED = { length: Infinity, images: Infinity, labels: Infinity };

export interface FileRunOptions<Filled> extends RunOptions {
  /** Told what the recipe comes to with its data, before anything is trained. */
  readonly begin?: (fitted: Fitted<Filled>, samples?: number) => Promise<void>;
  /** Bytes that the run may take where its recipe does not say; what is free now when left out. */
  readonly free?: number;
  /** The batch that a run was begun with, which it keeps. */
  readonly begun?: BegunBatch;
}

/** What a recipe and its run say about memory. */
export const memoryOptions = (
  { memory }: { readonly memory?: number },
  { print, free, begun }: Pick<FileRunOptions<never>, "print" | "free" | "begun">,
): FitOptions => ({ limit: memory ? memory * 1e9 : free, print, begun });

export interface SftRunOptions extends FileRunOptions<SftRecipe> {
  /** Opens the terms beside the loss of the answers, for batches of the recipe's shape. */
  readonly auxiliary?: (recipe: SftRecipe) => Promise<readonly WeightedLoss[]>;
}

async function readSome<T>(rows: readonly number[], item: (row: number) => Promise<T | undefined>): Promise<T[]> {
  const items = await Promise.all(rows.map(item));
  return items.filter((one): one is Awaited<T> & T => one !== undefined);
}

/** The held-out rows as questions, where validation goes by answers. */
async function askedRows(
  recipe: SftKeys,
  context: SampleContext,
  rows: readonly number[],
  held: readonly Sequence[],
): Promise<SftOptions["ask"]> {
  const { validation, data, seed, onBadRow } = recipe;
  const metric = validation?.metric ?? "loss";
  if (!validation || metric === "loss") return undefined;
  const prompts = await openPrompts(context, {
    files: filesOf(validation.file ?? data.file!, data.images),
    question: data.question,
    seed,
    onBadRow,
    limits: UNLIMITED,
    needsAnswer: true,
    lazy: true,
  });
  try {
    const asked: PromptRow[] = await readSome(rows, (row) => prompts.item(row));
    const longest = Math.max(...held.map(({ targets }) => targets.length));
    return { metric, rows: asked, maxNewTokens: validation.maxNewTokens ?? longest + SPARE_TOKENS };
  } finally {
    await prompts.close();
  }
}

/**
 * Trains on `data.file`. Validation: `validation.file`, else a part of the training rows, which are then not trained on.
 * @throws BadRowError naming file and line, where `onBadRow` is "stop"; nothing is written then but the run folder
 * @throws TrainingInputError when the recipe asks for more than its model or its data has
 */
export async function runFileRecipe(
  recipe: SftKeys,
  { begin, auxiliary, begun, free, ...options }: SftRunOptions,
): Promise<SftResult> {
  const { data, validation, seed, onBadRow } = recipe;
  if (!data.file) throw new Error("the recipe has no data.file");
  const context = await readSampleContext(recipe.model, recipe);
  const report = reportDropped(options.print ?? (() => {}));
  const common = {
    seed,
    onBadRow,
    question: data.question,
    onTooLong: recipe.onTooLong,
    lengthKey: recipe.batch?.length === undefined ? "maxLength" : "batch.length",
    signal: options.signal,
    limits: UNLIMITED,
    onDropped: report.onDropped,
    lazy: true,
  };
  const files = filesOf(data.file, data.images);
  const split =
    validation && !validation.file ? await heldOutRows(files, validation.samples, seed, options.signal) : undefined;
  const train = await ConversationFile.open(context, { ...common, files, rows: split?.train });
  try {
    const measures = { samples: train.length, sizes: await train.sizes(MEASURED) };
    const fitted = fitMemory(
      context.config,
      sftBatches(recipe, context.config, measures),
      memoryOptions(recipe, { print: options.print, free, begun }),
    );
    const filled = fitted.recipe;
    const { batch, maxLength = batch.length } = filled;
    const limits = { length: Math.min(maxLength, batch.length), images: batch.images, labels: batch.labels };
    train.limitTo(limits);
    let held: Sequence[] = [];
    let rows: number[] = [];
    if (split) {
      rows = Array.from(split.validation);
      held = await readSome(rows, (row) => train.sample(row));
    } else if (validation?.file) {
      const file = await ConversationFile.open(context, {
        ...common,
        files: filesOf(validation.file, data.images),
        limits,
      });
      try {
        rows = Array.from({ length: heldOutCount(validation.samples, file.rows) }, (_, i) => i);
        held = await readSome(rows, (row) => file.sample(row));
      } finally {
        await file.close();
      }
    }
    if (validation && held.length === 0)
      throw new TrainingInputError("no validation row can be used: see the rows left out");
    const perEpoch = filled.batchSize ? Math.ceil(train.length / (filled.batchSize * filled.accumulate)) : RARELY;
    const complete: SftRecipe = validation
      ? { ...filled, validation: { ...validation, every: validation.every ?? Math.min(RARELY, perEpoch) } }
      : filled;
    await begin?.({ ...fitted, recipe: complete }, train.length);
    return await trainSft(complete, {
      ...options,
      samples: (start) => train.sequences(start),
      validation: held,
      epochSize: train.length,
      ask: await askedRows(recipe, context, rows, held),
      auxiliary: await auxiliary?.(complete),
    });
  } finally {
    report.summary();
    await train.close();
  }
}
