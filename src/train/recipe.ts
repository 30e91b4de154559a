/** @file Recipes: everything that a run needs, in one YAML file, validated and completed with defaults. */

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { PRECISIONS } from "../model/index.ts";
import { TrainingInputError } from "./input-error.ts";

const positive = z.number().int().positive();

const schedule = z.strictObject({
  kind: z.enum(["constant", "linear", "cosine"]).default("cosine"),
  warmupSteps: z.number().int().nonnegative().default(0),
  /** Steps over which the decay runs; the recipe's `steps` when left out. */
  totalSteps: positive.optional(),
  minFactor: z.number().min(0).max(1).default(0),
  /** Share of the steps after warm-up at the peak before the decay begins. */
  hold: z.number().min(0).lt(1).default(0),
});

const rate = z.number().positive();
const optimizer = z.strictObject({
  learningRate: z.union([
    rate,
    z.strictObject({
      tower: rate.optional(),
      adapter: rate.optional(),
      decoder: rate.optional(),
      unused: rate.optional(),
    }),
  ]),
  schedule: schedule.prefault({}),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.999]),
  epsilon: z.number().positive().default(1e-8),
  weightDecay: z.number().nonnegative().default(0),
  maxNorm: z.number().positive().default(1),
  /** Muon for hidden matrices, at so many times the learning rate that AdamW has for the rest. */
  muon: z
    .strictObject({ momentum: z.number().min(0).lt(1).default(0.95), rateFactor: z.number().positive().default(1) })
    .optional(),
});

const common = {
  /** Folder of the model to start from, relative to the recipe. */
  model: z.string(),
  seed: z.number().int().nonnegative().default(0),
  steps: positive,
  optimizer,
  saveEvery: positive.default(100),
  /** Checkpoints to keep. */
  keep: positive.default(2),
  threads: positive.optional(),
  /** Factors of matrix products. Weights, activations, sums and moments are float32 always. */
  precision: z.enum(PRECISIONS).default("float32"),
};

const family = z.union([
  z.literal(1),
  z.literal(2),
  z.literal(3),
  z.literal(4),
  z.literal(5),
  z.literal(6),
  z.literal(7),
]);

/** Drawn data: see `MarketSourceOptions`. */
const market = z.strictObject({
  seed: z.number().int().nonnegative().default(1),
  families: z.array(family).min(1).optional(),
  /** How often each family is asked from, where not as usual. */
  weights: z.partialRecord(family, z.number().positive()).optional(),
  tokensPerPicture: positive.default(384),
  multiTurn: z.number().min(0).max(1).default(0),
  brief: z.number().min(0).max(1).default(0),
  workers: z.number().int().nonnegative().default(1),
});

export const seeRecipe = z.strictObject({
  stage: z.literal("see"),
  ...common,
  data: z.strictObject({ market: market.prefault({}) }).prefault({}),
  images: positive,
  /** Safetensors file with weights to begin with, such as an earlier run's; the others begin at random. */
  start: z.string().optional(),
  /** Learning sheets drawn for each board. */
  sheets: z.number().int().nonnegative().default(0),
  emptyWeight: z.number().positive().default(0.1),
});

const lora = z.strictObject({
  rank: positive.default(16),
  alpha: z.number().positive().default(32),
  targetModules: z.array(z.string()).min(1).default(["q_proj", "v_proj"]),
});

const shape = z.strictObject({
  images: positive,
  rows: positive,
  length: positive,
  labels: positive,
  headChunk: positive.optional(),
});

/** What a key alone cannot say. */
type Check<T> = (recipe: T, fault: (path: string, message: string) => void) => void;

function checkBatch(
  { labels, headChunk }: z.infer<typeof shape>,
  fault: (path: string, message: string) => void,
): void {
  if (headChunk && labels % headChunk !== 0)
    fault("batch.headChunk", `${headChunk} does not divide the ${labels} labels of a batch`);
}

function checkData({ file, market }: { file?: string; market?: object }, fault: Parameters<Check<never>>[1]): void {
  if (file && market) fault("data", "found both file and market, expected one");
  if (!file && !market) fault("data", "found neither file nor market, expected one");
}

/** As zod's refinement. */
const refined =
  <T>(check: Check<T>) =>
  (recipe: T, context: z.RefinementCtx<T>): void =>
    check(recipe, (path, message) => context.addIssue({ code: "custom", path: path.split("."), message }));

const parts = z.array(z.enum(["tower", "adapter", "decoder"])).min(1);

export const sftRecipe = z
  .strictObject({
    stage: z.literal("sft"),
    ...common,
    /** Data: a file of conversations (JSONL or Parquet), or a generator by name. */
    data: z.strictObject({
      file: z.string().optional(),
      images: z.string().optional(),
      market: market.optional(),
    }),
    validation: z
      .strictObject({
        file: z.string().optional(),
        market: market.optional(),
        every: positive.default(100),
        samples: positive.default(64),
      })
      .optional(),
    /** Fixed size of a batch: rows of `length` tokens, at most so many pictures and trained tokens. */
    batch: shape,
    accumulate: positive.default(1),
    /** Parts that are trained; all when left out. */
    train: parts.optional(),
    /** Trains adapters instead of parts, so both at once are refused. */
    lora: lora.optional(),
    /** Goes on teaching the tower to see, beside the conversations, with the head of an earlier "see" run. */
    see: z
      .strictObject({
        /** Checkpoint folder of that run. */
        head: z.string(),
        weight: z.number().positive().default(1),
        emptyWeight: z.number().positive().default(0.1),
        /** Weight of the lesson that tells picture tokens the words of what they show: see `wordsLoss`. */
        words: z.number().positive().optional(),
        /** The lesson that teaches a head of a decoder layer to look at what a name names: see `pointingLoss`. */
        pointing: z
          .strictObject({
            layer: z.number().int().nonnegative(),
            head: z.number().int().nonnegative(),
            weight: z.number().positive(),
          })
          .optional(),
      })
      .optional(),
    recompute: z.boolean().default(false),
    maxLength: positive.optional(),
    onBadRow: z.enum(["stop", "skip"]).default("stop"),
    /** Stops after so many validations without a better loss. */
    patience: positive.optional(),
  })
  .superRefine(
    refined((recipe, fault) => {
      checkBatch(recipe.batch, fault);
      checkData(recipe.data, fault);
      if (recipe.patience && !recipe.validation) fault("patience", "there is no validation whose loss could improve");
      if (recipe.train && recipe.lora)
        fault("train", "found both train and lora, expected one: with lora only its adapters are trained");
    }),
  )
  .transform((recipe) => (recipe.lora ? recipe : { ...recipe, train: recipe.train ?? parts.element.options }));

const weight = z.number().default(1);
const reward = z.union([
  z.strictObject({ name: z.literal("accuracy"), weight, partial: z.boolean().default(false) }),
  z.strictObject({ name: z.enum(["format", "think"]), weight }),
  z.strictObject({ name: z.literal("length"), weight, margin: positive }),
  z.strictObject({ name: z.literal("repetition"), weight, n: positive.default(3) }),
  z.strictObject({ module: z.string(), weight }),
]);

export const grpoRecipe = z
  .strictObject({
    stage: z.literal("grpo"),
    ...common,
    /** Prompts: a file of conversations (JSONL or Parquet) whose last answer is the reference, or a generator by name. */
    data: z.strictObject({ file: z.string().optional(), images: z.string().optional(), market: market.optional() }),
    onBadRow: z.enum(["stop", "skip"]).default("stop"),
    /** Held-out rows of a file to ask about. */
    validation: z.strictObject({ file: z.string().optional(), samples: positive.default(64) }).optional(),
    /** Held-out pictures of the generator to ask about. */
    evalPictures: positive.default(40),
    /** Updates between two evaluations on what is held out. */
    evalEvery: positive.default(25),
    batch: shape,
    train: parts.default(["decoder"]),
    recompute: z.boolean().default(false),
    /** Answers per prompt, and prompts per generation batch. */
    groupSize: z.number().int().min(2).default(8),
    promptsPerStep: positive.default(8),
    rollout: z
      .strictObject({
        temperature: z.number().positive().default(1),
        maxNewTokens: positive.default(128),
        /** Answers that are written at a time; a group unless given. More of them share the reading of weights. */
        batch: positive.optional(),
      })
      .prefault({}),
    rewards: z.array(reward).min(1),
    scaleRewards: z.enum(["group", "batch", "none", "normalize_then_sum"]).default("group"),
    lossType: z.enum(["grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo"]).default("dapo"),
    importanceLevel: z.enum(["token", "sequence"]).default("token"),
    epsilonLow: z.number().positive().default(0.2),
    epsilonHigh: z.number().positive().default(0.2),
    delta: z.number().positive().optional(),
    tau: z.tuple([z.number().positive(), z.number().positive()]).default([1, 1.05]),
    /** Weight of the KL to the model that the run starts from. */
    beta: z.number().nonnegative().default(0),
    kl: z.enum(["k3", "k3-unbiased"]).default("k3-unbiased"),
    /** Answers that the token limit cut are left out of the loss. */
    maskTruncated: z.boolean().default(false),
    /** Updates per generation batch, each with its share of the prompts; and how often the batch is gone through. */
    updatesPerRollout: positive.default(1),
    reuse: positive.default(1),
    /** Groups whose rewards are all equal are replaced by others so many times (DAPO's dynamic sampling). */
    resampleTries: z.number().int().nonnegative().default(0),
  })
  .superRefine(
    refined((recipe, fault) => {
      checkBatch(recipe.batch, fault);
      checkData(recipe.data, fault);
      const { maxNewTokens } = recipe.rollout;
      const room = Math.min(recipe.batch.length, recipe.batch.labels);
      if (maxNewTokens > room)
        fault("rollout.maxNewTokens", `an answer of ${maxNewTokens} tokens does not fit a batch with room for ${room}`);
      if (recipe.validation && !recipe.data.file) fault("validation", "only rows of a data.file are held out so");
    }),
  );

export type GrpoRecipe = z.infer<typeof grpoRecipe>;
export type SeeRecipe = z.infer<typeof seeRecipe>;
export type SftRecipe = z.infer<typeof sftRecipe>;

const recipe = z.discriminatedUnion("stage", [seeRecipe, sftRecipe, grpoRecipe]);
export type Recipe = z.infer<typeof recipe>;

/**
 * Checks the parsed content of a recipe and fills in its defaults; paths stay as they are.
 * @param name how errors call it
 * @throws Error listing each key that is unknown, missing or of the wrong type
 */
export function parseRecipe(content: unknown, name = "the recipe"): Recipe {
  const parsed = recipe.safeParse(content);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((i) => `  ${i.path.join(".") || "(top)"}: ${i.message}`).join("\n");
  throw new TrainingInputError(`${name} is not valid:\n${issues}`);
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new TrainingInputError(`${path} is not YAML: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Reads a recipe; paths in it become absolute, relative to the file.
 * @throws Error listing each key that is unknown, missing or of the wrong type
 * @example const recipe = await readRecipe("recipes/tiny/1-describe.yaml");
 */
export async function readRecipe(path: string): Promise<Recipe> {
  const data = parseRecipe(parseYaml(await readFile(path, "utf8"), path), path);
  const base = dirname(resolve(path));
  const absolute = (p: string | undefined) => p && resolve(base, p);
  const done = { ...data, model: resolve(base, data.model) } as Recipe;
  if (done.stage === "see") done.start = absolute(done.start);
  if (done.stage === "sft") {
    if (done.see) done.see = { ...done.see, head: resolve(base, done.see.head) };
    done.data = { ...done.data, file: absolute(done.data.file), images: absolute(done.data.images) };
    if (done.validation) done.validation = { ...done.validation, file: absolute(done.validation.file) };
  }
  if (done.stage === "grpo") {
    done.rewards = done.rewards.map((r) => ("module" in r ? { ...r, module: resolve(base, r.module) } : r));
    done.data = { ...done.data, file: absolute(done.data.file), images: absolute(done.data.images) };
    if (done.validation) done.validation = { ...done.validation, file: absolute(done.validation.file) };
  }
  return done;
}

/** The schedule with its length filled in. */
export const resolvedSchedule = ({ optimizer: o, steps }: Pick<Recipe, "optimizer" | "steps">) => ({
  ...o.schedule,
  totalSteps: o.schedule.totalSteps ?? steps,
});
