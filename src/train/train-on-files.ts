/** @file What training on files of prompts and on files of pairs has in common: rows are measured, held out and trained on. */

import type { ModelConfig } from "../model/index.ts";
import type { SampleSize } from "./data/file-sequences.ts";
import { heldOutItems, heldOutRows, type RowItems } from "./data/held-out.ts";
import { reportDropped } from "./data/report-dropped.ts";
import { readSampleContext, type SampleContext } from "./data/sample-context.ts";
import type { ShuffledRowsOptions } from "./data/shuffled-rows.ts";
import { fitMemory } from "./memory/fit-memory.ts";
import type { DataMeasures } from "./recipe/fill-recipe.ts";
import { type DpoKeys, type DpoRecipe, filesOf, type GrpoKeys, type GrpoRecipe } from "./recipe/schema.ts";
import { type FileRunOptions, memoryOptions } from "./run-file.ts";

/** Files of rows, open. */
interface RowFile<Item> extends RowItems<Item> {
  /** Rows to train on. */
  readonly length: number;
  /** What at most `most` rows take of a batch. */
  sizes(most: number): Promise<SampleSize[]>;
}

/** What one kind of row needs. */
export interface RowKind<Keys, Filled, Item, File> {
  /** Rows that are measured to work out the shape of batches. */
  readonly measured: number;
  open(
    context: SampleContext,
    options: ShuffledRowsOptions & { readonly question?: string },
  ): Promise<File & RowFile<Item>>;
  /** Forms of the recipe, from the largest batch to the smallest. */
  batches(recipe: Keys, config: ModelConfig, data: DataMeasures): Iterable<Filled>;
  /** Told the recipe that fits, before the first item is read. */
  limit(filled: Filled): void;
  /** @returns the last checkpoint's folder */
  train(filled: Filled, file: File, heldOut: readonly Item[]): Promise<string>;
}

/**
 * Trains on the rows of `data.file`. Held out: `validation.file`, else a part of the training rows, which are then not trained on.
 * @returns the last checkpoint's folder
 * @throws BadRowError naming file and line, where `onBadRow` is "stop"
 */
export async function trainOnFiles<Keys extends GrpoKeys | DpoKeys, Filled extends GrpoRecipe | DpoRecipe, Item, File>(
  recipe: Keys,
  options: FileRunOptions<Filled>,
  kind: RowKind<Keys, Filled, Item, File>,
): Promise<string> {
  const { data, validation, seed, onBadRow } = recipe;
  if (!data.file) throw new Error("the recipe has no data.file");
  const context = await readSampleContext(recipe.model, recipe);
  const report = reportDropped(options.print ?? (() => {}));
  const common = {
    seed,
    onBadRow,
    question: data.question,
    signal: options.signal,
    onDropped: report.onDropped,
    lazy: true,
  };
  const files = filesOf(data.file, data.images);
  const split =
    validation && !validation.file ? await heldOutRows(files, validation.samples, seed, options.signal) : undefined;
  const train = await kind.open(context, { ...common, files, rows: split?.train });
  try {
    const measures = { samples: train.length, sizes: await train.sizes(kind.measured) };
    const candidates = kind.batches(recipe, context.config, measures);
    const fitted = fitMemory(context.config, candidates, memoryOptions(recipe, options));
    kind.limit(fitted.recipe);
    const own = validation?.file;
    const openOwn = own ? () => kind.open(context, { ...common, files: filesOf(own, data.images) }) : undefined;
    const heldOut = validation ? await heldOutItems(train, split?.validation, validation.samples, openOwn) : [];
    await options.begin?.(fitted, train.length);
    return await kind.train(fitted.recipe, train, heldOut);
  } finally {
    report.summary();
    await train.close();
  }
}
