/** @file Large boards, and pictures of the small worlds among them, as a source of training data. */

import type { OpenSource, Sequence } from "flashvl/train";
import { z } from "zod";
import { mixSeed } from "../market/index.ts";
import { ordinarySequences } from "../ordinary-sequences.ts";
import { largeSequences } from "./samples.ts";

const keys = z.strictObject({
  seed: z.number().int().nonnegative().default(1),
  /** Share of the samples that are of the small worlds, so that these are not forgotten. */
  small: z.number().min(0).max(1).default(0.35),
  questions: z.number().int().positive().default(24),
  tokensPerPicture: z.number().int().positive().default(560),
  workers: z.number().int().nonnegative().default(1),
});

/** Validation pictures come from another data seed than any training run's. */
const VALIDATION_SEED = 8_888_888;
/** The stream of numbers that decides which world a sample is of. */
const WORLD = 302;

const open: OpenSource = (given, context) => {
  const options = keys.parse(given);
  const isSmall = (seed: number, index: number): boolean => mixSeed(seed, index, WORLD) / 2 ** 32 < options.small;
  async function* samples(seed: number, start: number): AsyncGenerator<Sequence> {
    let [smallBefore, largeBefore] = [0, 0];
    for (let index = 0; index < start; index++) isSmall(seed, index) ? smallBefore++ : largeBefore++;
    const { length } = context.limits;
    const ordinary = { ...options, seed, wide: 0.6, sheets: 0, pairs: 0, plain: 0.45, longest: length };
    const small = ordinarySequences(context, ordinary, smallBefore);
    const large = largeSequences(context, { ...options, seed, room: length }, largeBefore);
    try {
      for (let index = start; ; index++) yield (await (isSmall(seed, index) ? small : large).next()).value!;
    } finally {
      await Promise.all([small.return(undefined), large.return(undefined)]);
    }
  }
  return {
    sft: {
      samples: (start) => samples(options.seed, start),
      heldOut: () => samples(VALIDATION_SEED, 0),
    },
  };
};
export default open;
