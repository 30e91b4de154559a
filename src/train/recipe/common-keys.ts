/** @file The keys of recipes that stages share, and what is checked about several of them at once. */

import { z } from "zod";
import { PRECISIONS } from "../../passes/index.ts";

export const positive = z.number().int().positive();
const share = z.number().gt(0).lt(1);
export const rate = z.number().positive();

const schedule = z.strictObject({
  kind: z.enum(["constant", "linear", "cosine"]).default("cosine").describe("how the rate falls after the warm-up"),
  warmupSteps: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe("steps over which the rate rises to its peak; none when left out"),
  warmupRatio: z.number().min(0).lt(1).optional().describe("the same as a share of all steps"),
  totalSteps: positive.optional().describe("steps over which the decay runs; all when left out"),
  minFactor: z.number().min(0).max(1).default(0).describe("share of the peak at which the decay ends"),
  hold: z.number().min(0).lt(1).default(0).describe("share of the steps after the warm-up that stay at the peak"),
});

const rates = z.strictObject({
  tower: rate.optional(),
  adapter: rate.optional(),
  decoder: rate.optional(),
  auxiliary: rate.optional().describe("of parameters that auxiliary losses add"),
});

const beta = z.number().min(0).lt(1);
const optimizer = z.strictObject({
  learningRate: z
    .union([rate, rates])
    .optional()
    .describe(
      "peak of the rate, for all parts or for each; when left out, one that suits the kind of training and the model's width",
    ),
  schedule: schedule.prefault({}).describe("the rate over the steps"),
  betas: z.tuple([beta, beta]).default([0.9, 0.999]).describe("AdamW's decay of the two moments"),
  epsilon: z.number().positive().default(1e-8).describe("AdamW's epsilon"),
  weightDecay: z.number().nonnegative().default(0).describe("decoupled weight decay"),
  maxNorm: z.number().positive().default(1).describe("gradients with a larger norm are scaled down to it"),
  muon: z
    .strictObject({
      momentum: beta.default(0.95).describe("decay of the momentum"),
      rateFactor: z.number().positive().default(1).describe("times the learning rate"),
    })
    .optional()
    .describe("Muon for hidden matrices, AdamW for the rest"),
});

/** Keys that every stage has; also for stages of one's own. */
export const commonKeys = {
  model: z
    .string()
    .describe(
      'the model to start from: a folder relative to the recipe (a model, or an adapter on its base), a name of the hub, or "tiny" for the shipped one',
    ),
  seed: z
    .number()
    .int()
    .nonnegative()
    .default(0)
    .describe("of the order of rows, first values of adapters, and sampling"),
  maxTiles: positive.max(256).optional().describe("most tiles of a picture; as the model was trained when left out"),
  thumbnail: z
    .boolean()
    .optional()
    .describe("whether a picture is also shown whole, in small; as the model was trained when left out"),
  iss: z
    .enum(["stitch", "trim", "bilinear", "native"])
    .optional()
    .describe("the form of stitching, for models that leave it open"),
  optimizer: optimizer.prefault({}).describe("AdamW, or Muon for hidden matrices"),
  saveEvery: positive.default(100).describe("steps between two checkpoints"),
  keep: positive.default(2).describe("checkpoints that are kept"),
  memory: z
    .number()
    .positive()
    .optional()
    .describe("GB that the run may take; what is free on the machine when left out"),
  threads: positive.optional().describe("threads of the runtime; the physical cores when left out"),
  precision: z
    .enum(PRECISIONS)
    .default("float32")
    .describe("factors of matrix products; weights, activations, sums and moments are float32 always"),
};

export const length = {
  steps: positive.optional().describe("updates; instead of epochs"),
  epochs: z
    .number()
    .positive()
    .optional()
    .describe("times that the data is gone through; 3, or 1 for grpo and dpo, where steps are not given"),
};

/** Options of a user's module: it checks them itself. */
export const moduleOptions = z.record(z.string(), z.unknown());

export const report = z
  .union([z.string(), z.array(z.string()).min(1)])
  .optional()
  .describe(
    'where metrics go beside metrics.jsonl: "tensorboard", or a module that exports a function (see `OpenReporter`)',
  );

export const lora = z.strictObject({
  rank: positive.default(16).describe("rank of the adapters"),
  alpha: z.number().positive().default(32).describe("their scale is alpha/rank"),
  targetModules: z
    .union([z.literal("all-linear"), z.array(z.string()).min(1)])
    .default("all-linear")
    .describe("last parts of the names of the decoder's layers that are adapted, such as [q_proj, v_proj]"),
  rankStabilized: z.boolean().default(false).describe("scale alpha/√rank instead (rsLoRA)"),
  dropout: z.number().min(0).lt(1).default(0).describe("share of the adapters' inputs that a training step drops"),
});

export const shape = z.strictObject({
  images: positive.optional().describe("pictures (or tiles of them) of a batch"),
  rows: positive.optional().describe("rows that samples are packed into"),
  length: positive.optional().describe("tokens of a row"),
  labels: positive.optional().describe("trained tokens of a batch"),
  headChunk: positive.optional().describe("trained tokens that meet the LM head at a time; divides labels"),
});

/** What a key alone cannot say. */
type Fault = (path: string, message: string) => void;

interface DataKeys {
  readonly data: {
    readonly file?: unknown;
    readonly images?: string;
    readonly question?: string;
    readonly source?: string;
    readonly options?: object;
  };
  readonly validation?: { readonly file?: unknown; readonly options?: object };
  readonly train?: unknown;
  readonly lora?: unknown;
  readonly steps?: number;
  readonly epochs?: number;
  readonly optimizer: { readonly schedule: { readonly warmupSteps?: number; readonly warmupRatio?: number } };
  readonly batch?: { readonly labels?: number; readonly headChunk?: number };
}

export function checkCommon({ data, validation, ...recipe }: DataKeys, fault: Fault): void {
  if (data.file && data.source) fault("data", "found both file and source, expected one");
  if (!data.file && !data.source) fault("data", "found neither file nor source, expected one");
  if (data.options && !data.source) fault("data.options", "only a data.source has options");
  if (data.images && !data.file) fault("data.images", "only a data.file has a folder of pictures");
  if (data.question && !data.file) fault("data.question", "only rows of a data.file lack a question");
  if (validation?.options && !data.source) fault("validation.options", "only a data.source has options");
  if (validation?.file && !data.file) fault("validation.file", "what a data.source holds out is validated on instead");
  if (recipe.train && recipe.lora)
    fault("train", "found both train and lora, expected one: with lora only its adapters are trained");
  if (recipe.steps && recipe.epochs) fault("steps", "found both steps and epochs, expected one");
  if (data.source && !recipe.steps) fault("steps", "missing: a data.source has no epochs to count by");
  const { warmupSteps, warmupRatio } = recipe.optimizer.schedule;
  if (warmupSteps !== undefined && warmupRatio !== undefined)
    fault("optimizer.schedule.warmupRatio", "found both warmupSteps and warmupRatio, expected one");
  const { labels, headChunk } = recipe.batch ?? {};
  if (labels && headChunk && labels % headChunk !== 0)
    fault("batch.headChunk", `${headChunk} does not divide the ${labels} labels of a batch`);
  if (data.source)
    for (const key of ["images", "rows", "length", "labels"] as const)
      if (!(recipe.batch as z.infer<typeof shape> | undefined)?.[key])
        fault(`batch.${key}`, "missing: samples of a data.source are not measured");
}

/** As zod's refinement. */
export const refined =
  <T>(check: (recipe: T, fault: Fault) => void) =>
  (recipe: T, context: z.RefinementCtx<T>): void =>
    check(recipe, (path, message) => context.addIssue({ code: "custom", path: path.split("."), message }));

const weighted = z.strictObject({
  file: z.string(),
  weight: z.number().positive().optional().describe("how often its rows are visited in an epoch"),
  images: z.string().optional().describe("what paths of pictures in it are relative to"),
});
const files = z.union([z.string(), z.array(z.union([z.string(), weighted])).min(1)]);

export const data = z
  .strictObject({
    file: files
      .optional()
      .describe(
        "conversations (.jsonl, .json, .parquet, .csv, .tsv), a pattern or a folder of such files, or a list of them, also as { file, weight, images }",
      ),
    images: z
      .string()
      .optional()
      .describe("folder that paths of pictures are relative to; each file's own when left out"),
    question: z.string().optional().describe("what rows ask that have no question of their own"),
    source: z.string().optional().describe("a module that gives samples or prompts instead, see `OpenSource`"),
    options: moduleOptions.optional().describe("options of the source"),
  })
  .describe("what is trained on");

export const heldOut = {
  file: files.optional().describe("rows of their own; else a part of data.file, or what the source holds out"),
  options: moduleOptions.optional().describe("options of a source opened for validation"),
  samples: z
    .union([positive, share])
    .optional()
    .describe("how many rows, or what share of the file; when left out a fifth of them, at most 64"),
};

export const part = z.enum(["tower", "adapter", "decoder"]);
export const parts = z.array(part).min(1);
export const onBadRow = z.enum(["stop", "skip"]).default("stop").describe("what happens at a row that cannot be read");
