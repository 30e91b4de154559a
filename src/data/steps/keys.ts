/** @file The keys of each step of a pipeline, and of what a pipeline says about its rows. */

import { z } from "zod";
import { reward } from "../../train/index.ts";

/** A file, a pattern such as "raw/*.jsonl", or the name of an earlier step. */
const from = z.string().min(1);
/** Expressions of DuckDB's SQL over the columns of the rows, and over computed ones such as `_tokens`. */
const expression = z.string().min(1);
const positive = z.number().int().positive();
/** Bits of 128 in which the hashes of near pictures may differ; 10 finds what was made smaller and compressed again. */
const bits = z.number().int().min(0).max(24);

const filter = z.strictObject({
  from,
  /** Rows of which this is true are kept. */
  where: expression,
});

const dedup = z
  .strictObject({
    from,
    /** Of rows that agree in all of these, the first is kept. */
    by: z.array(expression).min(1).optional(),
    /** Of rows that are near each other, the first is kept; with pictures and text, those that are near in both. */
    near: z
      .strictObject({
        pictures: bits.optional(),
        /** Least share of the runs of words that two texts have together. */
        text: z.number().gt(0.3).max(1).optional(),
        /** Words of a run. */
        words: positive.max(20).default(3),
        /** The text that is compared; what all turns of the row say when left out. */
        of: expression.optional(),
      })
      .refine(({ pictures, text }) => pictures !== undefined || text !== undefined, "expected pictures, text or both")
      .optional(),
  })
  .refine(({ by, near }) => by !== undefined || near !== undefined, "expected by, near or both");

const decontaminate = z.strictObject({
  from,
  /** Data files of benchmark sets (.tsv, .jsonl, .parquet), or names of sets whose data lies in VLMEvalKit's folder. */
  sets: z.array(z.string().min(1)).min(1),
  /** Bits in which a picture's hash may differ from one of a set; false leaves pictures alone. */
  pictures: z.union([bits, z.literal(false)]).default(10),
  /** Words of a run that a question may share with no question of a set; false leaves questions alone. */
  words: z.union([z.number().int().min(3).max(50), z.literal(false)]).default(8),
  /** A run that more rows than this have is a turn of phrase and tells nothing. */
  common: positive.default(1000),
});

const mix = z.strictObject({
  seed: z.number().int().nonnegative().default(0),
  sources: z
    .array(
      z.strictObject({
        from,
        /** How often each row is taken: 2 for twice, 0.5 for half of the rows. */
        weight: z.number().positive().max(1000).default(1),
        /** Most rows of this source. */
        cap: positive.optional(),
      }),
    )
    .min(1),
  /** Whether rows are in random order; source by source where they are not. */
  shuffle: z.boolean().default(true),
});

const sample = z.strictObject({
  from,
  /** Answers to each row. */
  n: z.number().int().min(1).max(1024).default(8),
  temperature: z.number().positive().default(1),
  maxNewTokens: positive.default(256),
  seed: z.number().int().nonnegative().default(0),
  /** Answers that are written at a time. */
  batch: positive.default(16),
  /** What answers are worth: GRPO's reward functions. */
  rewards: z
    .array(reward)
    .min(1)
    .default([{ name: "accuracy", weight: 1, partial: false }]),
  /** "best": the best answer becomes the row's; "pairs": the best and the worst become chosen and rejected. */
  write: z.enum(["best", "pairs"]).default("best"),
  /** Least reward of an answer that is taken. */
  least: z.number().default(1),
  /** How much more the chosen answer of a pair earns than the rejected one, at least. */
  margin: z.number().positive().default(0.5),
});

const inspect = z.strictObject({
  from,
  /** Rows that the page shows, drawn by the seed. */
  shown: z.number().int().min(0).max(1000).default(48),
  seed: z.number().int().nonnegative().default(0),
});

const name = z.string().regex(/^[A-Za-z][\w-]*$/, "expected a name of letters, digits, _ and -");
export const steps = { filter, dedup, decontaminate, mix, sample, inspect };
export const step = z.union([
  z.strictObject({ name, filter }),
  z.strictObject({ name, dedup }),
  z.strictObject({ name, decontaminate }),
  z.strictObject({ name, mix }),
  z.strictObject({ name, sample }),
  z.strictObject({ name, inspect }),
]);

export const pipelineKeys = z.strictObject({
  /** Folder that paths of pictures are relative to; the pipeline's when left out. */
  images: z.string().min(1).optional(),
  /** What rows without a question ask. */
  question: z.string().min(1).optional(),
  /** Folder or name of the model that counts tokens, whose loss is measured, and that answers. */
  model: z.string().min(1).optional(),
  /** Who gives the marks of `_mark`: an endpoint of OpenAI's API. */
  judge: z
    .strictObject({
      url: z.string().min(1),
      model: z.string().min(1),
      prompt: z.string().min(1).optional(),
      key: z.string().min(1).optional(),
      concurrency: positive.default(8),
    })
    .optional(),
  steps: z.array(step).min(1),
});

export type Step = z.infer<typeof step>;
export type FilterStep = z.infer<typeof filter>;
export type DedupStep = z.infer<typeof dedup>;
export type DecontaminateStep = z.infer<typeof decontaminate>;
export type MixStep = z.infer<typeof mix>;
export type SampleStep = z.infer<typeof sample>;
export type InspectStep = z.infer<typeof inspect>;
