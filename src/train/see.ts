/** @file Stage 0 of growing a model from nothing: the tower learns what lies under each patch. A flat loop over drawn pictures. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openSafetensors } from "../hub/index.ts";
import { parseConfig, toFloat32 } from "../model/index.ts";
import { initialize } from "./initialize.ts";
import { Optimizer } from "./optim/optimizer.ts";
import { ParameterStore, usedParameters } from "./parameter-store.ts";
import { TrainingRandom } from "./random.ts";
import { resolvedSchedule, type SeeRecipe } from "./recipe.ts";
import { openRunFolder } from "./run/run-folder.ts";
import { checkpointsOf, loadTrainingState, newestCheckpoint, saveCheckpoint } from "./run/training-state.ts";
import { fillSeeLabels, isPlace, seeGraph, seeHead } from "./see-graph.ts";
import { createStepSession } from "./step-session.ts";

/** One labelled picture. */
export interface SeeSample {
  /** [3, size, size], normalised. */
  readonly pixels: Float32Array;
  /** Class under the left and right half of each patch, and its place; patches row by row: [patches·3]. 0 is nothing. */
  readonly labels: ArrayLike<number>;
}

export interface SeeOptions {
  readonly run: string;
  readonly classes: number;
  /** Samples from number `start` on, without end and always the same. */
  samples(start: number): AsyncIterable<SeeSample>;
  readonly signal?: AbortSignal;
  readonly print?: (line: string) => void;
}

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

/** Overwrites parameters with the tensors of a safetensors file that have their names. */
async function fillFrom(path: string, store: ParameterStore): Promise<void> {
  const file = await openSafetensors(path);
  try {
    for (const [name, { dtype }] of file.tensors) store.get(name).set(toFloat32(await file.readTensor(name), dtype));
  } finally {
    await file.close();
  }
}

/**
 * Trains the tower and a linear head to name what lies under each half patch; resumes by itself where a run was cut.
 * @returns the last checkpoint's folder
 */
export async function trainToSee(recipe: SeeRecipe, options: SeeOptions): Promise<string> {
  const config = parseConfig(JSON.parse(await readFile(join(recipe.model, "config.json"), "utf8")));
  const store = new ParameterStore([...usedParameters(config), ...seeHead(config, options.classes)]);
  const trained = store.parameters.filter((p) => p.part === "tower" || p.name.startsWith("see.")).map((p) => p.name);
  const random = new TrainingRandom(recipe.seed);
  initialize(store, random);
  if (recipe.start) await fillFrom(recipe.start, store);
  const optimizer = new Optimizer(store, trained, {
    ...recipe.optimizer,
    schedule: resolvedSchedule(recipe),
    threads: recipe.threads,
  });

  // ---- resume
  const checkpoints = checkpointsOf(options.run, recipe);
  let last = await newestCheckpoint(checkpoints.folder);
  let cursor = last ? (await loadTrainingState(last, store, optimizer)).cursor : 0;
  const folder = await openRunFolder(options.run, recipe, optimizer.step, options.print ?? (() => {}));
  if (last && optimizer.step >= recipe.steps) return last;

  // ---- the graph and its memory
  const session = await createStepSession(seeGraph(config, recipe.images, options.classes), store, {
    trained,
    threads: recipe.threads,
    precision: recipe.precision,
  });
  const pixels = session.inputs.get("pixels")!.data as Float32Array;
  const targets = session.inputs.get("see_targets")!.data as BigInt64Array;
  const logProbs = session.outputs.get("log_probs")!.data as Float32Array;
  const gradients = new Map([...session.gradients].map(([name, t]) => [name, t.data]));

  // ---- the loop
  const samples = options.samples(cursor)[Symbol.asyncIterator]();
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
    await samples.return?.();
    await session.dispose();
    await optimizer.dispose();
  }
  if (options.signal?.aborted)
    last = await saveCheckpoint(checkpoints, store, optimizer, { step: optimizer.step, cursor, random: random.state });
  return last!;
}
