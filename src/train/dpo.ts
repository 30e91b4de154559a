/** @file Training on preference pairs (DPO and its relatives): the reference's sums once, then a flat loop from pairs to updated weights. */

import { join } from "node:path";
import { Random } from "../common/index.ts";
import { makeFolder } from "../common/node.ts";
import { openModelCheckpoint } from "../compile/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { alone, dealt, fromFirst, gatherValues, onAny } from "../ranks/index.ts";
import { accumulate } from "./accumulate.ts";
import { chooseTrained, optimizerOf } from "./choose-trained.ts";
import { batchesOf, loaded, withPictures } from "./data/batches.ts";
import type { PairSequence } from "./data/pairs.ts";
import { createDpoStep, type RewardMean } from "./dpo-step.ts";
import { type PreferenceStep, preferenceStep } from "./loss/preference-weights.ts";
import { nativeTraining, usedPrecision } from "./native-training.ts";
import { evaluatePairs, PairScorer, shapeOf, sumsOf } from "./pair-scores.ts";
import { loadParameters, type ParameterStore } from "./parameter-store.ts";
import { pictureInput } from "./picture-input.ts";
import { PictureTokens } from "./picture-tokens.ts";
import { digestOf, gatherStep, rankTimes } from "./rank-times.ts";
import { preferenceOptions } from "./recipe/dpo-keys.ts";
import type { DpoRecipe } from "./recipe/schema.ts";
import { type PairSums, ReferenceSums, referenceIdentity } from "./reference-sums.ts";
import { openFolderOfRank, type RunOptions } from "./run/run-folder.ts";
import { checkpointsOf, loadTrainingState, newestCheckpoint, saveCheckpoint } from "./run/training-state.ts";

export interface DpoOptions extends RunOptions {
  /** Training pairs from number `start` on, always the same; undefined where one is left out. */
  pairs(start: number): AsyncIterable<PairSequence | undefined>;
  /** Pairs of an epoch, where there are epochs. */
  readonly epochSize?: number;
  /** Pairs that are never trained on. */
  readonly heldOut?: readonly PairSequence[];
}

/** The pairs of the run, each once, whose sums are not known yet; as many as its steps will take. */
async function* unknownPairs(
  recipe: DpoRecipe,
  { pairs, epochSize, heldOut = [], signal, ranks = alone }: DpoOptions,
  known: ReferenceSums,
): AsyncGenerator<PairSequence> {
  const given = new Set<string>();
  const isNew = ({ key }: PairSequence): boolean => !known.has(key) && !given.has(key) && Boolean(given.add(key));
  for (const pair of heldOut) if (isNew(pair)) yield pair;
  let [seen, used] = [0, 0];
  for await (const pair of pairs(0)) {
    // Several ranks stop together, between two batches.
    if (ranks.size === 1 && signal?.aborted) return;
    if (pair && isNew(pair)) yield pair;
    seen++;
    if (pair) used++;
    if (used >= recipe.steps * recipe.pairsPerStep || seen === epochSize) return;
  }
}

const GIB = 2 ** 30;

/** The pairs of the run as its graphs take them: where no part that sees is trained, with tokens in place of pixels. */
async function openPictures(
  config: ModelConfig,
  base: ParameterStore,
  { train, keepPictures, threads, precision }: DpoRecipe,
  { run, pairs, heldOut, ranks = alone, ...options }: DpoOptions,
): Promise<{ readonly options: DpoOptions; dispose(): Promise<void> }> {
  if (pictureInput({ train }) === "pixels")
    return { options: { ...options, run, pairs, heldOut, ranks }, dispose: async () => {} };
  const tokens = await PictureTokens.open(config, base, {
    on: nativeTraining(),
    threads,
    precision,
    folder: join(run, "picture-tokens"),
    most: keepPictures * GIB,
    writers: ranks.size,
  });
  // Made by the rank that trains on the pair, when its batch is next.
  const asTokens = (pair: PairSequence): PairSequence => {
    const windows = pair.windows ?? pair.pictures.map(() => 1);
    let made: Promise<readonly Float32Array[]> | undefined;
    const make = async () => (await tokens.of(await loaded(pair))).pictures;
    return { ...pair, pictures: [], windows, load: () => (made ??= make()) };
  };
  const seen = async function* (start: number) {
    for await (const pair of pairs(start)) yield pair && asTokens(pair);
  };
  const held = heldOut?.map(asTokens);
  return { options: { ...options, run, pairs: seen, heldOut: held, ranks }, dispose: () => tokens.dispose() };
}

/** What the model that the run starts from says of every pair that the run will see. */
async function referenceSums(
  config: ModelConfig,
  base: ParameterStore,
  recipe: DpoRecipe,
  options: DpoOptions,
): Promise<ReferenceSums> {
  const { print = () => {}, ranks = alone } = options;
  if (ranks.rank === 0) await makeFolder(options.run);
  const computed = JSON.stringify({ precision: usedPrecision(recipe.precision), kernels: !!nativeTraining().kernels });
  const identity = await referenceIdentity(base, computed);
  const known = await ReferenceSums.open(join(options.run, "reference.jsonl"), identity, print, ranks);
  const missing = unknownPairs(recipe, options, known);
  const first = await missing.next();
  if (first.done) return known;
  const before = known.size;
  print(`computing the reference's sums${before ? `; ${before} pairs are known` : ""}`);
  const scorer = await PairScorer.open(config, base, recipe, undefined, ranks);
  try {
    const all = async function* () {
      yield first.value;
      yield* missing;
    };
    for await (const batch of scorer.score(all())) {
      // The last batch of a stopped run is not whole: kept, it would change those that follow.
      if (await onAny(ranks, options.signal?.aborted ?? false)) return known;
      known.add(batch.map(([pair, measured]) => [pair.key, sumsOf(pair, measured)] as const));
    }
  } finally {
    await scorer.dispose();
  }
  print(`the reference's sums of ${known.size} pairs are in ${join(options.run, "reference.jsonl")}`);
  return known;
}

/** The loss of the first update, whose policy is the reference; unknown with weights that depend on the policy itself. */
function expectedLoss(recipe: DpoRecipe, pairs: readonly PairSequence[], sums: (pair: PairSequence) => PairSums) {
  if (recipe.wpo) return undefined;
  const same = (tokens: number, all: number) => {
    const logProbs = Array<number>(tokens).fill(all / tokens);
    return { logProbs, entropy: logProbs, meanLogit: logProbs, correct: logProbs };
  };
  const at = pairs.map((pair) => {
    const { chosen, rejected } = sums(pair);
    const x = pair.targets.length - pair.chosenTokens;
    const [c, r] = [same(pair.chosenTokens, chosen.all), same(x, rejected.all)];
    const shorter = Math.min(pair.chosenTokens, x);
    const reference = ({ logProbs }: typeof c) =>
      logProbs[0]! * (shorter + recipe.ldAlpha * (logProbs.length - shorter));
    return { chosen: { ...c, reference: reference(c) }, rejected: { ...r, reference: reference(r) } };
  });
  return preferenceStep(at, preferenceOptions(recipe)).loss;
}

/** What a first loss may differ from the expected one by rounding. */
const NEAR = 0.02;

function tellFirstLoss(loss: number, expected: number, print: (line: string) => void): void {
  print(`first loss ${loss.toPrecision(4)}, expected ${expected.toPrecision(4)} while the policy is the reference`);
  if (Math.abs(loss - expected) > NEAR * Math.max(1, Math.abs(expected)))
    print(
      "warning: the first loss is far from the expected one, so the reference is not the model that is trained. " +
        "Remove reference.jsonl of the run to compute its sums anew, and look whether precision: float32 helps.",
    );
}

const evaluationOf = ({ loss, metrics }: PreferenceStep): Record<string, number> =>
  Object.fromEntries(Object.entries({ loss, ...metrics }).map(([name, value]) => [`eval_${name}`, value]));

/**
 * Trains by a recipe until its steps are done, the data ends, or `signal` aborts; a killed run goes on from its newest checkpoint,
 * or among the reference's sums, with the same results as if it had not been killed.
 * @returns the last checkpoint's folder
 * @throws NotFiniteError naming tensor and step; the last good checkpoint stays
 * @example await trainDpo(recipe, { run: "runs/a", pairs })
 */
export async function trainDpo(recipe: DpoRecipe, options: DpoOptions): Promise<string> {
  const { checkpoint, config } = await openModelCheckpoint(recipe.model, { iss: recipe.iss });
  const base = await loadParameters(config, checkpoint);
  await checkpoint.close();
  const pictures = await openPictures(config, base, recipe, options);
  try {
    return await train(recipe, pictures.options, config, base, checkpoint.modelFolder);
  } finally {
    await pictures.dispose();
  }
}

async function train(
  recipe: DpoRecipe,
  options: DpoOptions,
  config: ModelConfig,
  base: ParameterStore,
  modelFolder: string,
): Promise<string> {
  const { print = () => {}, ranks = alone } = options;
  // Before anything is loaded over them: the weights are those of the reference.
  const reference = await referenceSums(config, base, recipe, options);
  const sums = ({ key }: PairSequence): PairSums => reference.get(key);

  // ---- what is trained
  const chosen = chooseTrained(base, recipe, new Random(recipe.seed));
  const { store, trained } = chosen;
  const optimizer = optimizerOf(chosen, recipe, ranks);

  // ---- resume
  const checkpoints = checkpointsOf(options.run, recipe, modelFolder);
  let last = await fromFirst(ranks, () => newestCheckpoint(checkpoints.folder));
  const resumed = last ? await loadTrainingState(last, store, optimizer) : undefined;
  let savedAt = last === undefined ? undefined : optimizer.step;
  let cursor = resumed?.cursor ?? 0;
  const { rewardMean = 0, rewardUpdates = 0 } = resumed?.extra ?? {};
  const rewards: RewardMean = { mean: rewardMean, updates: rewardUpdates };
  const folder = await openFolderOfRank(options, recipe, optimizer.step);
  const save = async (): Promise<string> => {
    const extra = { rewardMean: rewards.mean, rewardUpdates: rewards.updates };
    const saved = await saveCheckpoint(checkpoints, store, optimizer, {
      step: optimizer.step,
      cursor,
      random: [],
      extra,
    });
    savedAt = optimizer.step;
    return saved;
  };

  // ---- graphs and their memory
  const lora = recipe.lora && { config: recipe.lora, names: new Set(trained) };
  const step = await createDpoStep(config, { store, trained, lora, ranks }, recipe, rewards);
  const heldOut = options.heldOut ?? [];
  const evaluator = heldOut.length > 0 ? await PairScorer.open(config, store, recipe, lora, ranks) : undefined;
  const accumulated = accumulate(step.gradients, Number.POSITIVE_INFINITY, { ranks, shards: optimizer.shards });
  const stream = options.pairs(cursor)[Symbol.asyncIterator]();
  let at = cursor;
  const take = async (): Promise<{ pairs: PairSequence[]; cursor: number }> => {
    const pairs: PairSequence[] = [];
    while (pairs.length < recipe.pairsPerStep) {
      const { done, value } = await stream.next();
      if (done) break;
      at++;
      if (value) pairs.push(value);
    }
    // Pictures of this rank's batches are made ready; the pairs keep them.
    await Promise.all(dealt(await batchesOf(pairs, shapeOf(recipe), recipe.batchSize), ranks).map(withPictures));
    return { pairs, cursor: at };
  };

  // ---- the loop
  let next = take();
  try {
    while (optimizer.step < recipe.steps && !(await onAny(ranks, options.signal?.aborted ?? false))) {
      const started = performance.now();
      const taken = await next;
      if (taken.pairs.length === 0) break;
      const waited = performance.now() - started;
      next = take(); // prepared while the step runs
      next.catch(() => {});
      await gatherStep(ranks, optimizer.step + 1, digestOf(taken.pairs.map(({ ids }) => ids)), undefined);
      const { loss, metrics, worked } = await step.run(taken.pairs, sums, accumulated);
      const times = rankTimes(await gatherValues(ranks, waited + worked));
      optimizer.checkLoss(loss, accumulated.gradients);
      if (optimizer.step === 0) {
        const expected = expectedLoss(recipe, taken.pairs, sums);
        if (expected !== undefined) tellFirstLoss(loss, expected, print);
      }
      const { norm, learningRate } = await optimizer.update(accumulated.gradients);
      cursor = taken.cursor;
      const due = evaluator && (optimizer.step % recipe.validation!.every === 0 || optimizer.step === recipe.steps);
      const evaluated = due && (await evaluatePairs(evaluator, heldOut, sums, recipe, rewards.mean));
      folder.log(optimizer.step, {
        loss,
        ...metrics,
        ...(recipe.bcoShift === "running" ? { reward_shift: rewards.mean } : {}),
        ...(evaluated ? evaluationOf(evaluated) : {}),
        grad_norm: norm,
        learning_rate: learningRate,
        samples: cursor,
        num_tokens: taken.pairs.reduce((n, { targets }) => n + targets.length, 0),
        wait_ms: waited,
        step_ms: performance.now() - started,
        ...times,
      });
      if (optimizer.step % recipe.saveEvery === 0) last = await save();
    }
    if (last === undefined || savedAt !== optimizer.step) last = await save();
  } finally {
    await next.catch(() => {});
    await stream.return?.();
    await step.dispose();
    await evaluator?.dispose();
    await optimizer.dispose();
    await folder.close();
  }
  return last;
}
