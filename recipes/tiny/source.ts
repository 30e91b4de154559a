/** @file The market as a source of training data: what the recipes of stages 1 to 3 name. */

import type { OpenSource } from "flashvl/train";
import { z } from "zod";
import { families, type MarketRow, marketTask, seedRanges } from "./market/index.ts";
import { ordinaryRows, ordinarySequences } from "./ordinary-sequences.ts";
import { marketRows, marketSequences } from "./sequences.ts";

const family = z.literal(families);
const share = z.number().min(0).max(1);

/** See `MarketSourceOptions`. */
const keys = z.strictObject({
  seed: z.number().int().nonnegative().default(1),
  families: z.array(family).min(1).optional(),
  weights: z.partialRecord(family, z.number().positive()).optional(),
  tokensPerPicture: z.number().int().positive().default(384),
  multiTurn: share.default(0),
  brief: share.default(0),
  workers: z.number().int().nonnegative().default(1),
  /** Conversations as people and programs have them, about pictures of both worlds, in place of the families' questions alone. */
  ordinary: z
    .strictObject({
      wide: share.default(0.65),
      sheets: share.default(0.1),
      pairs: share.default(0.08),
      plain: share.default(0.4),
    })
    .optional(),
});

/** Validation pictures come from another data seed than any training run's. */
const VALIDATION_SEED = 7_777_777;
/** Some pictures have no question of the families asked for. */
const PICTURES_PER_ROW = 4;

/** Held-out questions come from the last training pictures: the fixed test sets stay unseen until the very end. */
function heldOutTask(count: number, asked: z.infer<typeof keys>) {
  const { first, count: pictures } = seedRanges.train;
  const seeds = Array.from({ length: count * PICTURES_PER_ROW }, (_, i) => first + pictures - 1 - i);
  return marketTask({ split: "train", families: asked.families, seeds, workers: asked.workers });
}

const open: OpenSource = (given, context) => {
  const options = keys.parse(given);
  const sequences = (seed: number, start: number) =>
    options.ordinary
      ? ordinarySequences(context, { ...options, ...options.ordinary, seed, longest: context.limits.length }, start)
      : marketSequences(context, { ...options, seed }, start);
  const rows = (seed: number, start: number) =>
    options.ordinary && ordinaryRows({ ...options, ...options.ordinary, seed }, start);
  return {
    sft: {
      samples: (start) => sequences(options.seed, start),
      heldOut: () => sequences(VALIDATION_SEED, 0),
    },
    grpo: {
      task: marketTask({ split: "train" }),
      rows: (start) => rows(options.seed, start) ?? marketRows(options, start),
      heldOut: (count): AsyncIterable<MarketRow> => rows(VALIDATION_SEED, 0) ?? heldOutTask(count, options).rows(),
    },
  };
};
export default open;
