/** @file Stage 0 of growing a model from nothing: the tower learns what lies under each patch. A flat loop over drawn pictures. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadTensors, openCheckpoint, openSafetensors } from "flashvl/hub";
import { type ModelConfig, parseConfig } from "flashvl/model";
import { readPreprocessorConfig } from "flashvl/processor";
import {
  checkpointsOf,
  createStepSession,
  initialize,
  loadParameters,
  loadTrainingState,
  nativeTraining,
  newestCheckpoint,
  Optimizer,
  openRunFolder,
  ParameterStore,
  Random,
  type RunOptions,
  resolvedSchedule,
  saveCheckpoint,
  usedParameters,
} from "flashvl/train";
import type { SeeRecipe } from "./recipe.ts";
import { type SeeSample, seeClasses, seeSamples } from "./samples.ts";
import { fillSeeLabels, isPlace, seeGraph, seeHead } from "./see-graph.ts";

/** Peak of the learning rate where the recipe names none. */
const USUAL_RATE = 0.002;

/** exp(log-prob) > 1/2 means right for sure, but less may be right too; this counts the share of labels that are surely right. */
function sureShare(logProbs: Float32Array, targets: BigInt64Array, kind: "empty" | "full" | "place"): number {
  let [right, all] = [0, 0];
  for (let i = 0; i < targets.length; i++) {
    if (isPlace(i) !== (kind === "place") || (targets[i] === 0n) !== (kind === "empty")) continue;
    all++;
    if (logProbs[i]! > -Math.LN2) right++;
  }
  return all ? right / all : 0;
}

/** Overwrites parameters with a checkpoint's: the model's own, and what its training state has in float32, heads of lessons included. */
async function fillFrom(folder: string, config: ModelConfig, store: ParameterStore): Promise<void> {
  const checkpoint = await openCheckpoint(folder);
  const model = await loadParameters(config, checkpoint).finally(() => checkpoint.close());
  for (const { name } of model.parameters) store.get(name).set(model.get(name));
  const state = await openSafetensors(join(folder, "training.safetensors"));
  try {
    const found = store.parameters.filter(({ name }) => state.tensors.has(`weight.${name}`));
    const stored = found.map(({ name }) => {
      const { length } = store.get(name);
      const { shape } = state.tensors.get(`weight.${name}`)!;
      return { name: `weight.${name}`, shape: shape.length === 1 ? [length] : shape };
    });
    await loadTensors(state, stored, ({ name }) => store.get(name.slice("weight.".length)));
  } finally {
    await state.close();
  }
}

/**
 * Trains the tower and a linear head to name what lies under each half patch; resumes by itself where a run was cut.
 * @returns the last checkpoint's folder
 */
export async function trainToSee(recipe: SeeRecipe, options: RunOptions): Promise<string> {
  const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(recipe.model, name), "utf8"));
  const config = parseConfig(await read("config.json"));
  const preprocessor = readPreprocessorConfig(await read("preprocessor_config.json"));
  const store = new ParameterStore([...usedParameters(config), ...seeHead(config, seeClasses)]);
  const trained = store.parameters.filter((p) => p.part === "tower" || p.name.startsWith("see.")).map((p) => p.name);
  const random = new Random(recipe.seed);
  initialize(store, random);
  if (recipe.start) await fillFrom(recipe.start, config, store);
  const on = nativeTraining();
  const optimizer = new Optimizer(store, trained, {
    runtime: on.runtime,
    ...recipe.optimizer,
    learningRate: recipe.optimizer.learningRate ?? USUAL_RATE,
    schedule: resolvedSchedule(recipe),
    threads: recipe.threads,
  });

  // ---- resume
  const checkpoints = checkpointsOf(options.run, recipe, recipe.model);
  let last = await newestCheckpoint(checkpoints.folder);
  let cursor = last ? (await loadTrainingState(last, store, optimizer)).cursor : 0;
  const folder = await openRunFolder(options.run, recipe, optimizer.step, options.print ?? (() => {}));
  if (last && optimizer.step >= recipe.steps) return last;

  // ---- the graph and its memory
  const session = await createStepSession(seeGraph(config, recipe.images, seeClasses), store, {
    on,
    trained,
    threads: recipe.threads,
    precision: recipe.precision,
  });
  const pixels = session.inputs.get("pixels")!.data as Float32Array;
  const targets = session.inputs.get("see_targets")!.data as BigInt64Array;
  const logProbs = session.outputs.get("log_probs")!.data as Float32Array;
  const gradients = new Map([...session.gradients].map(([name, t]) => [name, t.data]));

  // ---- the loop
  const samples = seeSamples(preprocessor, { ...recipe.data, sheets: recipe.sheets, wide: recipe.wide }, cursor);
  const batch = () =>
    Promise.all(Array.from({ length: recipe.images }, () => samples.next().then((r) => r.value as SeeSample)));
  let next = batch();
  try {
    while (optimizer.step < recipe.steps && !options.signal?.aborted) {
      const started = performance.now();
      const drawn = await next;
      next = batch(); // drawn in worker threads while the step runs
      next.catch(() => {});
      drawn.forEach((sample, i) => {
        pixels.set(sample.pixels, i * sample.pixels.length);
      });
      fillSeeLabels(
        session.inputs,
        drawn.map((sample) => sample.labels),
        recipe.emptyWeight,
      );
      const waited = performance.now() - started;
      await session.run();
      const { norm, learningRate } = await optimizer.update(gradients);
      cursor += recipe.images;
      folder.log(optimizer.step, {
        loss: (session.outputs.get("loss")!.data as Float32Array)[0]!,
        sure_full: sureShare(logProbs, targets, "full"),
        sure_empty: sureShare(logProbs, targets, "empty"),
        sure_place: sureShare(logProbs, targets, "place"),
        grad_norm: norm,
        learning_rate: learningRate,
        images: cursor,
        wait_ms: waited,
        step_ms: performance.now() - started,
      });
      if (optimizer.step % recipe.saveEvery === 0 || optimizer.step === recipe.steps)
        last = await saveCheckpoint(checkpoints, store, optimizer, {
          step: optimizer.step,
          cursor,
          random: random.state,
        });
    }
  } finally {
    await next.catch(() => {});
    await samples.return(undefined);
    await session.dispose();
    await optimizer.dispose();
  }
  if (options.signal?.aborted)
    last = await saveCheckpoint(checkpoints, store, optimizer, { step: optimizer.step, cursor, random: random.state });
  return last!;
}
