/** @file The lessons beside the conversations, as one thing: what the tower sees, what its tokens are called, where names point. */

import type { Tensor } from "../engine/index.ts";
import type { FlashVLConfig } from "../model/index.ts";
import type { Batch } from "./data/batches.ts";
import { fillPointers } from "./pointing-graph.ts";
import type { SftRecipe } from "./recipe.ts";
import { fillSeeLabels } from "./see-graph.ts";
import type { SftShape } from "./sft-graph.ts";
import { fillWords } from "./words-graph.ts";

/** Their losses, as outputs of the graph and in the metrics. */
export const LESSONS = ["see_loss", "words_loss", "pointing_loss"] as const;

/** Fills the inputs of the lessons that the recipe names; `share` is this batch's part of the optimiser step. */
export function fillLessons(
  inputs: ReadonlyMap<string, Tensor>,
  config: FlashVLConfig,
  batch: Batch,
  shape: SftShape,
  see: NonNullable<SftRecipe["see"]>,
  share: number,
): void {
  const samples = batch.rows.flat();
  const labels = samples.flatMap((sample) => sample.patchLabels ?? []);
  fillSeeLabels(inputs, labels, see.emptyWeight, see.weight * share);
  if (see.words) {
    const words = samples.flatMap((sample) => sample.pictureWords ?? []);
    fillWords(inputs, config, words, see.words * share);
  }
  if (see.pointing) fillPointers(inputs, batch, shape, see.pointing.weight * share);
}
