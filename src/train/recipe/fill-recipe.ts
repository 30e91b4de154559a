/** @file Completes a recipe from its model and its data: steps, the shape of batches, the learning rate. */

import type { ModelConfig } from "../../model/index.ts";
import type { SampleSize } from "../data/file-sequences.ts";
import { TrainingInputError } from "../input-error.ts";
import { planBatch, roundUp, samplesPerBatch } from "./plan-batch.ts";
import type { DpoKeys, DpoRecipe, GrpoKeys, GrpoRecipe, Recipe, RecipeShape, SftKeys, SftRecipe } from "./schema.ts";

/** Samples of a batch where a recipe does not say, and pairs of one. */
const DEFAULT_BATCH = 8;
const DEFAULT_PAIRS = 4;
const DEFAULT_EPOCHS = { sft: 3, grpo: 1, dpo: 1 } as const;

/** Width of the published decoder, for which the usual rates are known. */
const KNOWN_WIDTH = 1536;
/**
 * Peak rates for a decoder of that width: those that TRL and LLaMA-Factory advise for models of one to three billion
 * parameters.
 */
const RATES = {
  sft: { full: 2e-5, lora: 2e-4 },
  grpo: { full: 1e-6, lora: 2e-5 },
  dpo: { full: 1e-6, lora: 5e-6 },
} as const;

/**
 * The learning rate where a recipe names none. Adam's best rate for a matrix falls with its width (Yang et al., arXiv 2203.03466),
 * so a small model takes a larger one.
 * @example defaultRate("sft", true, config) // 0.0002 for the published model
 */
export function defaultRate(stage: Recipe["stage"], lora: boolean, config: ModelConfig): number {
  const rate = RATES[stage][lora ? "lora" : "full"] * (KNOWN_WIDTH / config.decoder.hiddenSize);
  return Number(rate.toPrecision(2));
}

/** What the data says. */
export interface DataMeasures {
  /** Samples of an epoch. */
  readonly samples: number;
  /** Sizes of some of them. */
  readonly sizes: readonly SampleSize[];
}

const isWhole = (batch: Partial<RecipeShape> | undefined): batch is RecipeShape =>
  batch?.images !== undefined && batch.rows !== undefined && batch.length !== undefined && batch.labels !== undefined;

/** @throws TrainingInputError when a key asks for more tokens than the model's context has */
function checkLength(key: string, length: number | undefined, config: ModelConfig): void {
  const { maxPositions } = config.decoder;
  if (length !== undefined && length > maxPositions)
    throw new TrainingInputError(
      `${key} is ${length}, but the model's context has ${maxPositions} tokens; give at most that.`,
    );
}

function withRate<Keys extends Recipe>(recipe: Keys, config: ModelConfig) {
  const learningRate = recipe.optimizer.learningRate ?? defaultRate(recipe.stage, recipe.lora !== undefined, config);
  return { ...recipe.optimizer, learningRate };
}

/** @throws TrainingInputError when no row can be measured or fits */
function checkSizes(sizes: readonly SampleSize[]): void {
  if (sizes.length === 0)
    throw new TrainingInputError("no row of the data can be used: see its first error with onBadRow: stop");
}

/**
 * Completes a recipe of supervised fine-tuning.
 * @param data what its file holds; undefined for a source, whose recipe says everything itself
 * @throws TrainingInputError when a length is beyond the model's context, or nothing can be trained on
 */
export function fillSft(recipe: SftKeys, config: ModelConfig, data: DataMeasures | undefined): SftRecipe {
  checkLength("maxLength", recipe.maxLength, config);
  checkLength("batch.length", recipe.batch?.length, config);
  const { steps, epochs, ...rest } = recipe;
  const optimizer = withRate(recipe, config);
  if (!data || (isWhole(recipe.batch) && steps))
    return { ...rest, optimizer, steps: steps!, batch: recipe.batch as RecipeShape };
  checkSizes(data.sizes);
  const longest = Math.min(recipe.maxLength ?? config.decoder.maxPositions, config.decoder.maxPositions);
  const whole = isWhole(recipe.batch);
  const batchSize = recipe.batchSize ?? (whole ? undefined : DEFAULT_BATCH);
  const batch = whole ? (recipe.batch as RecipeShape) : planBatch(data.sizes, batchSize!, recipe.batch ?? {}, longest);
  const perStep = (batchSize ?? samplesPerBatch(data.sizes, batch)) * recipe.accumulate;
  return {
    ...rest,
    optimizer,
    batch,
    batchSize,
    steps: steps ?? Math.max(1, Math.ceil(((epochs ?? DEFAULT_EPOCHS.sft) * data.samples) / perStep)),
  };
}

/** Most tokens of a batch where a recipe does not say, if the memory has room. */
const GRPO_TOKENS = 4096;

/**
 * Completes a recipe of reinforcement learning: a row holds a prompt and, as branches, as many of its answers as fit.
 * @param data sizes of prompts; undefined for a source
 * @param tokens most tokens of a batch whose shape is not given, where one prompt and answer need no more
 * @throws TrainingInputError as `fillSft`
 */
export function fillGrpo(
  recipe: GrpoKeys,
  config: ModelConfig,
  data: DataMeasures | undefined,
  tokens = GRPO_TOKENS,
): GrpoRecipe {
  checkLength("batch.length", recipe.batch?.length, config);
  const { steps, epochs, ...rest } = recipe;
  const optimizer = withRate(recipe, config);
  if (!data || (isWhole(recipe.batch) && steps))
    return { ...rest, optimizer, steps: steps!, batch: recipe.batch as RecipeShape };
  checkSizes(data.sizes);
  const { maxNewTokens } = recipe.rollout;
  const { maxPositions } = config.decoder;
  const prompt = Math.max(...data.sizes.map(({ tokens }) => tokens));
  const given = recipe.batch ?? {};
  const length =
    given.length ??
    Math.min(
      maxPositions,
      Math.max(prompt + maxNewTokens, Math.min(tokens, roundUp(prompt + recipe.groupSize * maxNewTokens))),
    );
  const rows = given.rows ?? Math.max(1, Math.floor(tokens / length));
  const images = given.images ?? rows * Math.max(1, ...data.sizes.map((size) => size.images));
  const labels = given.labels ?? roundUp(rows * Math.min(length, recipe.groupSize * maxNewTokens));
  const batch: RecipeShape = { images, rows, length, labels, ...(given.headChunk && { headChunk: given.headChunk }) };
  return {
    ...rest,
    optimizer,
    batch,
    steps:
      steps ??
      Math.max(
        1,
        Math.ceil(
          ((epochs ?? DEFAULT_EPOCHS.grpo) * data.samples * recipe.updatesPerRollout * recipe.reuse) /
            recipe.promptsPerStep,
        ),
      ),
  };
}

/**
 * Completes a recipe for preference pairs.
 * @param data sizes of pairs, each with its prompt once; undefined for a source
 * @throws TrainingInputError as `fillSft`
 */
export function fillDpo(recipe: DpoKeys, config: ModelConfig, data: DataMeasures | undefined): DpoRecipe {
  checkLength("batch.length", recipe.batch?.length, config);
  const { steps, epochs, ...rest } = recipe;
  const optimizer = withRate(recipe, config);
  if (!data || (isWhole(recipe.batch) && steps))
    return { ...rest, optimizer, steps: steps!, batch: recipe.batch as RecipeShape };
  checkSizes(data.sizes);
  const perBatch = Math.min(recipe.pairsPerStep, recipe.batchSize ?? DEFAULT_PAIRS);
  const batch = isWhole(recipe.batch)
    ? recipe.batch
    : planBatch(data.sizes, perBatch, recipe.batch ?? {}, Number.POSITIVE_INFINITY);
  const perEpoch = data.samples / recipe.pairsPerStep;
  return {
    ...rest,
    optimizer,
    batch,
    steps: steps ?? Math.max(1, Math.ceil((epochs ?? DEFAULT_EPOCHS.dpo) * perEpoch)),
  };
}

/** From `most` down to 1, each half of the one before. */
function* halves(most: number): Generator<number> {
  for (let n = most; n >= 1; n = Math.floor(n / 2)) yield n;
}

/** The recipe with batches of 8 samples, 4, 2 and 1, and as many samples a step; as it stands where it has a batch of its own. */
export function* sftBatches(
  recipe: SftKeys,
  config: ModelConfig,
  data: DataMeasures | undefined,
): Generator<SftRecipe> {
  if (recipe.batchSize || isWhole(recipe.batch) || !data) return yield fillSft(recipe, config, data);
  for (const batchSize of halves(DEFAULT_BATCH)) {
    const accumulate = (recipe.accumulate * DEFAULT_BATCH) / batchSize;
    yield fillSft({ ...recipe, batchSize, accumulate }, config, data);
  }
}

/** The recipe with batches of ever fewer answers; their number in a step stays. */
export function* grpoBatches(
  recipe: GrpoKeys,
  config: ModelConfig,
  data: DataMeasures | undefined,
): Generator<GrpoRecipe> {
  let rows = Number.POSITIVE_INFINITY;
  let length = Number.POSITIVE_INFINITY;
  for (const tokens of halves(GRPO_TOKENS)) {
    const filled = fillGrpo(recipe, config, data, tokens);
    if (filled.batch.rows === rows && filled.batch.length === length) return;
    ({ rows, length } = filled.batch);
    yield filled;
  }
}

/** The recipe with batches of 4 pairs, 2 and 1, and as many pairs a step. */
export function* dpoBatches(
  recipe: DpoKeys,
  config: ModelConfig,
  data: DataMeasures | undefined,
): Generator<DpoRecipe> {
  yield fillDpo(recipe, config, data);
  if (recipe.batchSize || isWhole(recipe.batch) || !data) return;
  for (const batchSize of halves(Math.floor(Math.min(recipe.pairsPerStep, DEFAULT_PAIRS) / 2)))
    yield fillDpo({ ...recipe, batchSize }, config, data);
}
