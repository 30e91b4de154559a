/** @file The shape of batches, worked out from the sizes of samples: rows long enough for the longest, as many as a batch needs. */

import { Random } from "../../common/index.ts";
import type { SampleSize } from "../data/file-sequences.ts";
import { packBestFit } from "../data/pack.ts";
import type { RecipeShape } from "./schema.ts";

/** Lengths are rounded up to this, so that similar data gives the same graphs. */
const STEP = 16;
/** Trained tokens that meet the LM head at a time: their logits are the largest tensor of a step. */
const HEAD_CHUNK = 512;
/** Orders of the samples that are tried. */
const ROUNDS = 16;
/** Room for batches of more trained tokens than any that was tried; one beyond it too is closed a sample earlier. */
const SPARE_LABELS = 1.1;

export const roundUp = (n: number, step = STEP): number => Math.ceil(n / step) * step;

const sum = (all: readonly SampleSize[], of: (size: SampleSize) => number): number =>
  all.reduce((total, size) => total + of(size), 0);

/** The samples in several random orders, cut into batches. */
function* batchesOf(sizes: readonly SampleSize[], batchSize: number): Generator<SampleSize[]> {
  const random = new Random(0);
  for (let round = 0; round < ROUNDS; round++) {
    const order = random.permutation(sizes.length);
    for (let at = 0; at < order.length; at += batchSize)
      yield Array.from(order.subarray(at, at + batchSize), (i) => sizes[i]!);
  }
}

/**
 * The smallest shape that holds batches of `batchSize` of these samples, whatever their order, as far as was tried.
 * @param given what the recipe says itself
 * @param longest samples of more tokens are left out or cut
 * @example planBatch(sizes, 8, {}, 2048)
 */
export function planBatch(
  sizes: readonly SampleSize[],
  batchSize: number,
  given: Partial<RecipeShape>,
  longest: number,
): RecipeShape {
  const bound = Math.min(given.length ?? longest, longest);
  const fitting = sizes.map((size) => ({ ...size, tokens: Math.min(size.tokens, bound) }));
  const length = given.length ?? Math.min(longest, roundUp(Math.max(...fitting.map(({ tokens }) => tokens))));
  let [rows, images, labels] = [1, 1, 1];
  for (const batch of batchesOf(fitting, batchSize)) {
    const lengths = batch.map(({ tokens }) => tokens);
    rows = Math.max(rows, packBestFit(lengths, length).length);
    images = Math.max(
      images,
      sum(batch, (size) => size.images),
    );
    labels = Math.max(
      labels,
      sum(batch, (size) => size.labels),
    );
  }
  labels = Math.ceil(labels * SPARE_LABELS);
  const all = given.labels ?? roundUp(labels, labels > HEAD_CHUNK ? HEAD_CHUNK : STEP);
  const headChunk = given.headChunk ?? (all > HEAD_CHUNK && all % HEAD_CHUNK === 0 ? HEAD_CHUNK : undefined);
  return {
    images: given.images ?? images,
    rows: given.rows ?? rows,
    length,
    labels: all,
    ...(headChunk && { headChunk }),
  };
}

/** Samples that a batch of this shape takes on average, where nothing but the shape limits it. */
export function samplesPerBatch(sizes: readonly SampleSize[], shape: RecipeShape): number {
  const order = new Random(0).permutation(sizes.length);
  let [batches, taken] = [1, [] as SampleSize[]];
  for (const i of order) {
    const next = [...taken, sizes[i]!];
    const fits =
      sum(next, (size) => size.images) <= shape.images &&
      sum(next, (size) => size.labels) <= shape.labels &&
      packBestFit(
        next.map(({ tokens }) => tokens),
        shape.length,
      ).length <= shape.rows;
    if (!fits) batches++;
    taken = fits ? next : [sizes[i]!];
  }
  return sizes.length / batches;
}
