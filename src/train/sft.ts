/** @file Supervised fine-tuning: a flat loop from samples to updated weights. */

import { join } from "node:path";
import { Random } from "../common/index.ts";
import { openModelCheckpoint } from "../compile/index.ts";
import { alone, deal, fromFirst, onAny } from "../ranks/index.ts";
import { accumulate } from "./accumulate.ts";
import { type AnswerScoreOptions, openAnswerScore } from "./answer-score.ts";
import { addedParameters, fillAuxiliary, type WeightedLoss } from "./auxiliary-loss.ts";
import { chooseTrained, optimizerOf } from "./choose-trained.ts";
import { type Batch, fillInputs, toBatches, withPictures } from "./data/batches.ts";
import type { Sequence } from "./data/sequence.ts";
import { initialize } from "./initialize.ts";
import { fillDropout, MergedWeights } from "./lora/lora.ts";
import { nativeTraining } from "./native-training.ts";
import { loadParameters } from "./parameter-store.ts";
import { digestOf, gatherStep, rankTimes } from "./rank-times.ts";
import type { SftRecipe } from "./recipe/schema.ts";
import { openFolderOfRank, type RunOptions } from "./run/run-folder.ts";
import { checkpointsOf, loadTrainingState, newestCheckpoint, saveCheckpoint } from "./run/training-state.ts";
import { type SftShape, sftGraph } from "./sft-graph.ts";
import { Validation } from "./sft-validation.ts";
import { createStepSession } from "./step-session.ts";

export interface SftOptions extends RunOptions {
  /** Training samples from number `start` on; always the same ones. May end: then the run ends too. */
  samples(start: number): AsyncIterable<Sequence>;
  /** Samples that are never trained on. */
  readonly validation?: readonly Sequence[];
  /** Held-out rows to ask, where validation goes by answers. */
  readonly ask?: AnswerScoreOptions;
  /** Samples of an epoch, where there are epochs. */
  readonly epochSize?: number;
  /** Terms beside the loss of the samples' answers; validation is without them. */
  readonly auxiliary?: readonly WeightedLoss[];
}

export interface SftResult {
  /** Newest checkpoint in the published layout. */
  readonly last: string;
  /** The one with the lowest validation loss, where there is validation. */
  readonly best?: string;
  readonly step: number;
}

/**
 * Trains by a recipe until its steps are done, the data ends, validation stops improving, or `signal` aborts; a killed run
 * goes on from its newest checkpoint with the same results as if it had not been killed. Of several ranks each takes its part
 * of an update's batches, and the results are those of one.
 * @throws NotFiniteError naming tensor and step; the last good checkpoint stays
 * @example await trainSft(recipe, { run: "runs/a", samples })
 */
export async function trainSft(recipe: SftRecipe, options: SftOptions): Promise<SftResult> {
  const { ranks = alone } = options;
  const { checkpoint, config } = await openModelCheckpoint(recipe.model, { iss: recipe.iss });
  const base = await loadParameters(config, checkpoint);
  await checkpoint.close();
  const auxiliary = options.auxiliary ?? [];
  const shape: SftShape = { ...recipe.batch, headChunk: recipe.batch.headChunk ?? recipe.batch.labels };
  const random = new Random(recipe.seed);

  // ---- what is trained
  const chosen = chooseTrained(base, recipe, random, addedParameters(auxiliary, base));
  const { store, adapters, trained } = chosen;
  for (const { loss } of auxiliary) {
    const own = new Set(loss.parameters?.map(({ name }) => name));
    if (loss.initialize) loss.initialize(store);
    else initialize(store, random, ({ name }) => own.has(name));
  }
  const on = nativeTraining();
  const optimizer = optimizerOf(chosen, recipe, ranks);

  // ---- resume
  const checkpoints = checkpointsOf(options.run, recipe, checkpoint.modelFolder);
  let last = await fromFirst(ranks, () => newestCheckpoint(checkpoints.folder));
  const resumed = last ? await loadTrainingState(last, store, optimizer) : undefined;
  let savedAt = optimizer.step;
  let cursor = resumed?.cursor ?? 0;
  const bestFolder = {
    ...checkpoints,
    folder: join(options.run, "checkpoints-best"),
    keep: 1,
    link: join(options.run, "best"),
  };
  const print = options.print ?? (() => {});
  const folder = await openFolderOfRank(options, recipe, optimizer.step);

  // ---- graphs and their memory
  const lora = recipe.lora && { config: recipe.lora, names: new Set(adapters.map((p) => p.name)) };
  const common = { on, threads: recipe.threads, precision: recipe.precision };
  const graph = sftGraph(
    config,
    shape,
    auxiliary.map(({ loss }) => loss),
  );
  const session = await createStepSession(graph, store, {
    ...common,
    lora,
    trained,
    recompute: recipe.recompute,
  });
  const merged = recipe.lora && options.ask ? new MergedWeights(store, adapters, recipe.lora) : undefined;
  const validation = options.validation?.length
    ? await Validation.open(
        recipe,
        {
          config,
          shape,
          store,
          session: { ...common, lora: lora && { ...lora, config: { ...lora.config, dropout: 0 } } },
          samples: options.validation,
          refresh: () => merged?.update(),
          answers: options.ask && (await openAnswerScore(options.ask, config, recipe, (merged ?? base).tensors, ranks)),
          ranks,
        },
        resumed?.extra ?? {},
      )
    : undefined;
  const weights = session.inputs.get("weights")!.data as Float32Array;
  const each = Math.ceil(recipe.accumulate / ranks.size);
  const accumulated = accumulate(session.gradients, each, { ranks, shards: optimizer.shards });

  const save = async (to: typeof checkpoints) =>
    saveCheckpoint(to, store, optimizer, {
      step: optimizer.step,
      cursor,
      random: random.state,
      extra: validation?.best ?? {},
    });

  // ---- the loop
  const batches = toBatches(options.samples(cursor), shape, cursor, recipe.batchSize);
  /** The batches of an update, with the pictures of those that are this rank's: from number `start` on. */
  const take = async (): Promise<{ window: Batch[]; start: number; own: Batch[] }> => {
    const window: Batch[] = [];
    while (window.length < recipe.accumulate) {
      const { done, value } = await batches.next();
      if (done) break;
      window.push(value);
    }
    const { start, end } = deal(window.length, ranks.rank, ranks.size);
    return { window, start, own: await Promise.all(window.slice(start, end).map(withPictures)) };
  };
  const prepareNext = () => {
    next = take(); // prepared while the step runs
    next.catch(() => {});
  };
  const stopped = () => onAny(ranks, options.signal?.aborted ?? false);
  const output = (name: string) => session.outputs.get(name)!.data as Float32Array;
  const [wholeLoss, chatLoss] = [output("loss"), output(auxiliary.length ? "chat_loss" : "loss")];
  const terms = auxiliary.map(({ loss }) => [`${loss.name}_loss`, output(`${loss.name}_loss`)] as const);
  let next = take();
  try {
    if (optimizer.step === 0 && validation?.due(0)) folder.log(0, (await validation.run(0, folder)).metrics);
    while (optimizer.step < recipe.steps && !validation?.exhausted && !(await stopped())) {
      const started = performance.now();
      const { window, start, own } = await next;
      if (window.length === 0) break;
      const waited = performance.now() - started;
      const tokens = window.reduce((n, b) => n + b.trainedTokens, 0);
      const read = window.reduce((n, { rows }) => n + rows.flat().reduce((m, { ids }) => m + ids.length, 0), 0);
      const measured: Measured[] = [];
      accumulated.begin(window.length);
      for (const [k, batch] of own.entries()) {
        weights.fill(0);
        fillInputs(session.inputs, batch, shape, config.windowTokens, (label) => {
          weights[label] = 1 / tokens;
        });
        fillAuxiliary(auxiliary, session.inputs, batch, 1 / window.length);
        if (recipe.lora?.dropout)
          fillDropout(session.inputs, recipe.lora.dropout, recipe.seed, optimizer.step, start + k);
        if (k === own.length - 1) prepareNext();
        await session.run();
        let right = 0;
        const correct = session.outputs.get("correct")!.data as Float32Array;
        for (let j = 0; j < batch.trainedTokens; j++) right += correct[j]!;
        measured.push({ whole: wholeLoss[0]!, loss: chatLoss[0]!, right, terms: terms.map(([, value]) => value[0]!) });
        accumulated.add();
      }
      if (own.length === 0) prepareNext();
      const worked = performance.now() - started;
      const ids = window.flatMap(({ rows }) => rows.flat().map((sample) => sample.ids));
      const all = await gatherStep(ranks, optimizer.step + 1, digestOf(ids), { measured, worked });
      const sums = all.flatMap((of) => of.measured);
      const sum = (of: (m: Measured) => number) => sums.reduce((total, m) => total + of(m), 0);
      const whole = sum((m) => m.whole);
      const reducing = performance.now();
      await accumulated.finish();
      optimizer.checkLoss(whole, accumulated.gradients);
      const reduced = performance.now() - reducing;
      const { norm, learningRate } = await optimizer.update(accumulated.gradients);
      cursor = window.at(-1)!.cursor;
      const metrics = {
        loss: sum((m) => m.loss),
        ...Object.fromEntries(terms.map(([name], t) => [name, sum((m) => m.terms[t]!)])),
        mean_token_accuracy: sum((m) => m.right) / tokens,
        grad_norm: norm,
        learning_rate: learningRate,
        samples: cursor,
        num_tokens: tokens,
        tokens: read,
        fill: read / (window.length * shape.rows * shape.length),
        wait_ms: waited,
        step_ms: performance.now() - started,
        ...(ranks.size > 1 ? { reduce_ms: reduced } : {}),
        ...rankTimes(all.map((of) => of.worked)),
      };
      const validated = validation?.due(optimizer.step) ? await validation.run(optimizer.step, folder) : undefined;
      folder.log(optimizer.step, { ...metrics, ...validated?.metrics });
      if (validated?.better) await save(bestFolder);
      if (validation?.exhausted) break;
      if (optimizer.step % recipe.saveEvery === 0) {
        last = await save(checkpoints);
        savedAt = optimizer.step;
      }
    }
    await next.catch(() => {});
    if (last === undefined || optimizer.step !== savedAt) last = await save(checkpoints);
    const summary = validation?.summary();
    if (summary) print(summary);
  } finally {
    await next.catch(() => {});
    await batches.return(undefined);
    await session.dispose();
    await optimizer.dispose();
    await validation?.dispose();
    await folder.close();
  }
  const best = await fromFirst(ranks, () => newestCheckpoint(bestFolder.folder));
  return { last, best, step: optimizer.step };
}

/** Of one batch. */
interface Measured {
  /** With the terms beside the answers', and of the answers alone. */
  readonly whole: number;
  readonly loss: number;
  /** Tokens that were right. */
  readonly right: number;
  readonly terms: readonly number[];
}
