/** @file The keys of a recipe, each with its type, its default and what it means: the one source of checks, `train keys` and the JSON Schema. */

import { z } from "zod";
import type { WeightedFile } from "../data/shuffled-rows.ts";
import {
  checkCommon,
  commonKeys,
  data,
  heldOut,
  length,
  lora,
  moduleOptions,
  onBadRow,
  part,
  parts,
  positive,
  rate,
  refined,
  report,
  shape,
} from "./common-keys.ts";
import { type DpoKeys, dpoKeys } from "./dpo-keys.ts";

export { commonKeys, type DpoKeys, dpoKeys };

export const sftKeys = z
  .strictObject({
    stage: z.literal("sft"),
    ...commonKeys,
    ...length,
    data,
    validation: z
      .strictObject({
        ...heldOut,
        every: positive.optional().describe("steps between two validations; one epoch when left out"),
        metric: z
          .union([z.enum(["loss", "exact", "accuracy"]), z.strictObject({ module: z.string() })])
          .default("loss")
          .describe(
            "what best and patience go by: loss; or answers written by the engine, exact (the same text), accuracy (equal as GRPO's reward judges it), or a module that scores one from 0 to 1",
          ),
        maxNewTokens: positive
          .optional()
          .describe("longest answer of a validation; a little more than the longest reference when left out"),
      })
      .optional()
      .describe("rows that are never trained on"),
    batchSize: positive.optional().describe("samples of a batch; 8 where the batch's shape is not given"),
    batch: shape.optional().describe("fixed shape of a batch; what is left out is worked out from the data"),
    accumulate: positive.default(1).describe("batches per update"),
    train: parts.optional().describe("parts that are trained; all when left out"),
    lora: lora.optional().describe("trains adapters of the decoder instead of parts"),
    auxiliary: z
      .array(z.strictObject({ module: z.string(), weight: rate.default(1), options: moduleOptions.default({}) }))
      .default([])
      .describe("terms of the loss beside the answers' own, each a module: see `OpenAuxiliaryLoss`"),
    recompute: z.boolean().default(false).describe("compute activations twice instead of keeping them"),
    maxLength: positive.optional().describe("longest sample in tokens; the model's context when left out"),
    onTooLong: z
      .enum(["leave-out", "cut", "stop"])
      .default("leave-out")
      .describe("what happens to a sample that is longer, or does not fit the batch"),
    onBadRow,
    patience: positive.optional().describe("stop after so many validations without a better result"),
    report,
  })
  .superRefine(
    refined((recipe, fault) => {
      checkCommon(recipe, fault);
      if (recipe.patience && !recipe.validation) fault("patience", "there is no validation whose loss could improve");
      if (recipe.validation && recipe.validation.metric !== "loss" && recipe.data.source)
        fault("validation.metric", "only rows of a data.file can be asked; what a source holds out has a loss");
    }),
  )
  .transform((recipe) => (recipe.lora ? recipe : { ...recipe, train: recipe.train ?? part.options }));

const weight = z.number().default(1).describe("weight in the sum of rewards");
/** A reward function by its name, or as a module. */
export const reward = z.union([
  z.strictObject({ name: z.literal("accuracy"), weight, partial: z.boolean().default(false) }),
  z.strictObject({ name: z.enum(["format", "think"]), weight }),
  z.strictObject({ name: z.literal("length"), weight, margin: positive }),
  z.strictObject({ name: z.literal("repetition"), weight, n: positive.default(3) }),
  z.strictObject({ module: z.string(), weight }),
]);

export const grpoKeys = z
  .strictObject({
    stage: z.literal("grpo"),
    ...commonKeys,
    ...length,
    data: data.describe("prompts; of a file of conversations the last answer is the reference"),
    onBadRow,
    validation: z.strictObject(heldOut).optional().describe("rows that are held out, to ask about"),
    evalEvery: positive.default(25).describe("updates between two validations"),
    batch: shape.optional().describe("fixed shape of a batch; what is left out is worked out from the data"),
    train: parts.optional().describe("parts that are trained; the decoder when left out"),
    lora: lora.optional().describe("trains adapters of the decoder instead of parts"),
    recompute: z.boolean().default(false).describe("compute activations twice instead of keeping them"),
    groupSize: z.number().int().min(2).default(8).describe("answers per prompt"),
    promptsPerStep: positive.default(8).describe("prompts per generation batch"),
    rollout: z
      .strictObject({
        temperature: z.number().positive().default(1).describe("of the sampled answers"),
        maxNewTokens: positive.default(128).describe("longest answer"),
        batch: positive.optional().describe("answers that are written at a time; a group when left out"),
      })
      .prefault({})
      .describe("how answers are sampled"),
    rewards: z
      .array(reward)
      .min(1)
      .describe("reward functions by name (accuracy, format, think, length, repetition) or module, with weights"),
    scaleRewards: z
      .enum(["group", "batch", "none", "normalize_then_sum"])
      .default("group")
      .describe("what advantages are divided by"),
    lossType: z
      .enum(["grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo"])
      .default("dapo")
      .describe("how tokens are averaged, or another form of the loss"),
    importanceLevel: z.enum(["token", "sequence"]).default("token").describe("what has one importance ratio"),
    epsilonLow: z.number().positive().default(0.2).describe("lower clip of the ratio"),
    epsilonHigh: z.number().positive().default(0.2).describe("upper clip of the ratio"),
    delta: z
      .number()
      .positive()
      .optional()
      .describe("upper bound of the ratio where the advantage is negative (two-sided clipping)"),
    tau: z
      .tuple([z.number().positive(), z.number().positive()])
      .default([1, 1.05])
      .describe("SAPO's temperatures for positive and negative advantages"),
    beta: z.number().nonnegative().default(0).describe("weight of the KL to the model that the run starts from"),
    kl: z.enum(["k3", "k3-unbiased"]).default("k3-unbiased").describe("estimator of the KL"),
    maskTruncated: z.boolean().default(false).describe("answers that the token limit cut are left out of the loss"),
    updatesPerRollout: positive.default(1).describe("updates per generation batch, each with its share of the prompts"),
    reuse: positive.default(1).describe("how often a generation batch is gone through"),
    resampleTries: z
      .number()
      .int()
      .nonnegative()
      .default(0)
      .describe("how often groups of equal rewards are replaced (DAPO's dynamic sampling)"),
    report,
  })
  .superRefine(
    refined((recipe, fault) => {
      checkCommon(recipe, fault);
      const { maxNewTokens } = recipe.rollout;
      const room = Math.min(recipe.batch?.length ?? Infinity, recipe.batch?.labels ?? Infinity);
      if (maxNewTokens > room)
        fault("rollout.maxNewTokens", `an answer of ${maxNewTokens} tokens does not fit a batch with room for ${room}`);
      if (recipe.lora?.dropout)
        fault("lora.dropout", "answers are drawn without dropout, so the update cannot have any; leave it out");
    }),
  )
  .transform((recipe) => (recipe.lora ? recipe : { ...recipe, train: recipe.train ?? ["decoder" as const] }));

/** A recipe as it is written, with the defaults of its keys. */
export const recipeKeys = z.discriminatedUnion("stage", [sftKeys, grpoKeys, dpoKeys]);
export type SftKeys = z.infer<typeof sftKeys>;
export type GrpoKeys = z.infer<typeof grpoKeys>;
export type Recipe = SftKeys | GrpoKeys | DpoKeys;

/** A batch's shape, complete. */
export interface RecipeShape {
  readonly images: number;
  readonly rows: number;
  readonly length: number;
  readonly labels: number;
  readonly headChunk?: number;
}

/** What a recipe comes to with its data: everything that training needs is there. */
type Filled<Keys extends Recipe> = Omit<Keys, "steps" | "epochs" | "batch" | "optimizer"> & {
  readonly steps: number;
  readonly batch: RecipeShape;
  readonly optimizer: Omit<Keys["optimizer"], "learningRate"> & {
    readonly learningRate: NonNullable<Keys["optimizer"]["learningRate"]>;
  };
};
export type SftRecipe = Filled<SftKeys>;
export type GrpoRecipe = Filled<GrpoKeys>;
export type DpoRecipe = Filled<DpoKeys>;

/** The files that a key names. @param images folder of pictures for those that name none */
export function filesOf(named: NonNullable<SftKeys["data"]["file"]>, images?: string): WeightedFile[] {
  return [named].flat().map((one) => (typeof one === "string" ? { file: one, images } : { images, ...one }));
}

/** The schedule with its lengths filled in. */
export const resolvedSchedule = ({
  optimizer: o,
  steps,
}: {
  optimizer: Pick<SftRecipe["optimizer"], "schedule">;
  steps: number;
}) => {
  const { warmupRatio, ...schedule } = o.schedule;
  return {
    ...schedule,
    warmupSteps: schedule.warmupSteps ?? Math.round((warmupRatio ?? 0) * steps),
    totalSteps: schedule.totalSteps ?? steps,
  };
};
