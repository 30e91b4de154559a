/** @file Supervised fine-tuning: a flat loop from samples to updated weights. */

import { join } from "node:path";
import { openCheckpoint } from "../hub/index.ts";
import { type LoraConfig, loraParameters, parseConfig } from "../model/index.ts";
import { accumulate } from "./accumulate.ts";
import { type Batch, fillInputs, toBatches } from "./data/batches.ts";
import type { Sequence } from "./data/sequence.ts";
import { initialize } from "./initialize.ts";
import { TrainingInputError } from "./input-error.ts";
import { fillLessons, LESSONS } from "./lessons.ts";
import { Optimizer } from "./optim/optimizer.ts";
import { loadParameters, type Parameter, ParameterStore } from "./parameter-store.ts";
import { TrainingRandom } from "./random.ts";
import { resolvedSchedule, type SftRecipe } from "./recipe.ts";
import { openRunFolder } from "./run/run-folder.ts";
import { checkpointsOf, loadTrainingState, newestCheckpoint, saveCheckpoint } from "./run/training-state.ts";
import { loadSeeHead } from "./see-head.ts";
import { type SftShape, sftGraph } from "./sft-graph.ts";
import { createStepSession, type StepSession } from "./step-session.ts";

export interface SftOptions {
  /** Folder of the run. Where it holds a checkpoint, the run goes on from there. */
  readonly run: string;
  /** Training samples from number `start` on; always the same ones. May end: then the run ends too. */
  samples(start: number): AsyncIterable<Sequence>;
  /** Samples that are never trained on. */
  readonly validation?: readonly Sequence[];
  readonly signal?: AbortSignal;
  readonly print?: (line: string) => void;
}

export interface SftResult {
  /** Newest checkpoint in the published layout. */
  readonly last: string;
  /** The one with the lowest validation loss, where there is validation. */
  readonly best?: string;
  readonly step: number;
}

/** Mean loss and share of right tokens over whole batches. */
async function evaluate(session: StepSession, batches: readonly Batch[], shape: SftShape, imageTokens: number) {
  let [loss, right, tokens] = [0, 0, 0];
  for (const batch of batches) {
    fillInputs(session.inputs, batch, shape, imageTokens);
    await session.run();
    const logProbs = session.outputs.get("log_probs")!.data as Float32Array;
    const correct = session.outputs.get("correct")!.data as Float32Array;
    for (let i = 0; i < batch.trainedTokens; i++) {
      loss -= logProbs[i]!;
      right += correct[i]!;
    }
    tokens += batch.trainedTokens;
  }
  return { loss: loss / tokens, accuracy: right / tokens };
}

/**
 * Trains by a recipe until its steps are done, the data ends, validation stops improving, or `signal` aborts; a killed run
 * goes on from its newest checkpoint with the same results as if it had not been killed.
 * @throws NotFiniteError naming tensor and step; the last good checkpoint stays
 * @example await trainSft(recipe, { run: "runs/a", samples })
 */
export async function trainSft(recipe: SftRecipe, options: SftOptions): Promise<SftResult> {
  const checkpoint = await openCheckpoint(recipe.model);
  const config = parseConfig(checkpoint.config);
  const base = await loadParameters(config, checkpoint);
  await checkpoint.close();
  const see = recipe.see && (await loadSeeHead(recipe.see.head, config));
  const plain: SftShape = { ...recipe.batch, headChunk: recipe.batch.headChunk ?? recipe.batch.labels };
  const shape: SftShape = {
    ...plain,
    seeClasses: see?.classes,
    words: recipe.see?.words !== undefined,
    pointing: recipe.see?.pointing,
  };
  const random = new TrainingRandom(recipe.seed);

  // ---- what is trained
  const adapters = recipe.lora ? adaptersOf(base, recipe.lora) : [];
  const store = ParameterStore.joined(base, [...adapters, ...(see?.parameters ?? [])]);
  see?.fill(store);
  if (adapters.length) initialize(store, random, (p) => adapters.includes(p));
  const parts = new Set<string>(recipe.train);
  const trained = (
    adapters.length ? adapters : store.parameters.filter((p) => parts.has(p.part) || see?.parameters.includes(p))
  ).map((p) => p.name);
  const optimizer = new Optimizer(store, trained, {
    ...recipe.optimizer,
    schedule: resolvedSchedule(recipe),
    threads: recipe.threads,
  });

  // ---- resume
  const checkpoints = checkpointsOf(options.run, recipe);
  let last = await newestCheckpoint(checkpoints.folder);
  const resumed = last ? await loadTrainingState(last, store, optimizer) : undefined;
  let savedAt = optimizer.step;
  let cursor = resumed?.cursor ?? 0;
  let bestLoss = resumed?.extra?.bestLoss ?? Number.POSITIVE_INFINITY;
  let stale = resumed?.extra?.stale ?? 0;
  const bestFolder = {
    ...checkpoints,
    folder: join(options.run, "checkpoints-best"),
    keep: 1,
    link: join(options.run, "best"),
  };
  const folder = await openRunFolder(options.run, recipe, optimizer.step, options.print ?? (() => {}));

  // ---- graphs and their memory
  const lora = recipe.lora && { config: recipe.lora, names: new Set(adapters.map((p) => p.name)) };
  const common = { threads: recipe.threads, precision: recipe.precision, lora };
  const session = await createStepSession(sftGraph(config, shape), store, {
    ...common,
    trained,
    recompute: recipe.recompute,
  });
  const evaluator = options.validation?.length
    ? await createStepSession({ outputs: sftGraph(config, plain).outputs }, store, common)
    : undefined;
  const held: Batch[] = [];
  if (evaluator) for await (const batch of toBatches(asyncFrom(options.validation!), shape, 0)) held.push(batch);
  const weights = session.inputs.get("weights")!.data as Float32Array;
  const accumulated = accumulate(session.gradients, recipe.accumulate);

  const save = async (to: typeof checkpoints) =>
    saveCheckpoint(to, store, optimizer, {
      step: optimizer.step,
      cursor,
      random: random.state,
      extra: { bestLoss, stale },
    });

  // ---- the loop
  const batches = toBatches(options.samples(cursor), shape, cursor);
  const take = async (): Promise<Batch[]> => {
    const taken: Batch[] = [];
    while (taken.length < recipe.accumulate) {
      const { done, value } = await batches.next();
      if (done) break;
      taken.push(value);
    }
    return taken;
  };
  const output = (name: string) => session.outputs.get(name)!.data as Float32Array;
  const [wholeLoss, chatLoss] = [output("loss"), output(see ? "chat_loss" : "loss")];
  const lessons = LESSONS.filter((name) => session.outputs.has(name)).map((name) => [name, output(name)] as const);
  let next = take();
  try {
    const worse = () => recipe.patience !== undefined && stale >= recipe.patience;
    while (optimizer.step < recipe.steps && !worse() && !options.signal?.aborted) {
      const started = performance.now();
      const window = await next;
      if (window.length === 0) break;
      const waited = performance.now() - started;
      const tokens = window.reduce((n, b) => n + b.trainedTokens, 0);
      let [whole, loss, right] = [0, 0, 0];
      const learnt: Record<string, number> = {};
      accumulated.reset();
      for (const [i, batch] of window.entries()) {
        weights.fill(0);
        fillInputs(session.inputs, batch, shape, config.imageTokens, (label) => {
          weights[label] = 1 / tokens;
        });
        if (recipe.see) fillLessons(session.inputs, config, batch, shape, recipe.see, 1 / window.length);
        if (i === window.length - 1) {
          next = take(); // prepared while the step runs
          next.catch(() => {});
        }
        await session.run();
        whole += wholeLoss[0]!;
        loss += chatLoss[0]!;
        for (const [name, value] of lessons) learnt[name] = (learnt[name] ?? 0) + value[0]!;
        const correct = session.outputs.get("correct")!.data as Float32Array;
        for (let j = 0; j < batch.trainedTokens; j++) right += correct[j]!;
        accumulated.add();
      }
      optimizer.checkLoss(whole, accumulated.gradients);
      const { norm, learningRate } = await optimizer.update(accumulated.gradients);
      cursor = window.at(-1)!.cursor;
      const metrics = {
        loss,
        ...learnt,
        mean_token_accuracy: right / tokens,
        grad_norm: norm,
        learning_rate: learningRate,
        samples: cursor,
        num_tokens: tokens,
        wait_ms: waited,
        step_ms: performance.now() - started,
      };
      const every = recipe.validation?.every ?? 0;
      const validate = evaluator && (optimizer.step % every === 0 || optimizer.step === recipe.steps);
      if (!validate) folder.log(optimizer.step, metrics);
      else {
        const held_out = await evaluate(evaluator, held, shape, config.imageTokens);
        folder.log(optimizer.step, { ...metrics, eval_loss: held_out.loss, eval_token_accuracy: held_out.accuracy });
        stale = held_out.loss < bestLoss ? 0 : stale + 1;
        if (held_out.loss < bestLoss) {
          bestLoss = held_out.loss;
          await save(bestFolder);
        }
        if (worse()) break;
      }
      if (optimizer.step % recipe.saveEvery === 0) {
        last = await save(checkpoints);
        savedAt = optimizer.step;
      }
    }
    await next.catch(() => {});
    if (last === undefined || optimizer.step !== savedAt) last = await save(checkpoints);
  } finally {
    await next.catch(() => {});
    await batches.return(undefined);
    await session.dispose();
    await optimizer.dispose();
    await evaluator?.dispose();
  }
  return { last, best: await newestCheckpoint(bestFolder.folder), step: optimizer.step };
}

/** @throws TrainingInputError when a target module is not in the model */
function adaptersOf(base: ParameterStore, lora: LoraConfig): readonly Parameter[] {
  try {
    return loraParameters(base.parameters, lora);
  } catch (error) {
    throw new TrainingInputError(`lora.targetModules: ${(error as Error).message}`, { cause: error });
  }
}

async function* asyncFrom<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
