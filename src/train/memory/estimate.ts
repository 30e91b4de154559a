/** @file What a run takes of memory, worked out from its graph and its parameters before anything is loaded. */

import { bytesPerElement, elementCount, isInput, topologicalOrder, type Value } from "../../graph/index.ts";
import type { ModelConfig } from "../../model/index.ts";
import { peakLiveBytes } from "../../passes/index.ts";
import { dpoStepGraph } from "../dpo-step.ts";
import { grpoStepGraph } from "../grpo-step.ts";
import { adaptersOf } from "../lora/lora.ts";
import { nativeTraining } from "../native-training.ts";
import { isHiddenMatrix } from "../optim/muon.ts";
import { type Parameter, usedParameters } from "../parameter-store.ts";
import type { DpoRecipe, GrpoRecipe, SftRecipe } from "../recipe/schema.ts";
import { sftGraph } from "../sft-graph.ts";
import { formStep, type StepGraph } from "../step-session.ts";

type FilledRecipe = SftRecipe | GrpoRecipe | DpoRecipe;

/** Bytes. */
export interface MemoryEstimate {
  readonly weights: number;
  /** Gradients, their sums over several batches, and the optimiser's moments. */
  readonly optimizer: number;
  /** What a step keeps from its forward to its backward pass, its inputs, and the forward pass of a validation. */
  readonly step: number;
  readonly total: number;
}

/** Node with this package and its libraries loaded, and samples that are being prepared. */
const PROCESS = 250e6;
/** The runtime's allocator takes memory in pieces that grow. */
const ALLOCATOR = 1.15;
const FLOAT = 4;
/** AdamW has two moments. */
const ADAMW = 2 * FLOAT;
/** Muon has momentum, and what its iterations read, write and hold between. */
const MUON = 6 * FLOAT;

const sum = (sizes: Iterable<number>): number => [...sizes].reduce((total, size) => total + size, 0);
const elements = (parameters: readonly Parameter[]): number => sum(parameters.map(({ shape }) => elementCount(shape)));
const bytesOf = (values: Iterable<Value>): number =>
  sum([...values].map(({ dtype, shape }) => elementCount(shape) * bytesPerElement(dtype)));

function graphOf(config: ModelConfig, recipe: FilledRecipe): StepGraph {
  if (recipe.stage === "grpo") return grpoStepGraph(config, recipe);
  if (recipe.stage === "dpo") return dpoStepGraph(config, recipe);
  return sftGraph(config, { ...recipe.batch, headChunk: recipe.batch.headChunk ?? recipe.batch.labels });
}

/**
 * The memory of a run at its fullest: weights, gradients and moments in float32, and the values that are alive at once in its
 * largest step. What auxiliary losses add is not in it, nor the caches of an engine that writes answers.
 * @throws TrainingInputError naming a target of the LoRA that the model does not have
 * @example estimateMemory(config, recipe).total / 1e9 // GB
 */
export function estimateMemory(config: ModelConfig, recipe: FilledRecipe): MemoryEstimate {
  const { lora, precision } = recipe;
  const recompute = "recompute" in recipe && recipe.recompute;
  const all = usedParameters(config);
  const adapters = lora ? adaptersOf({ parameters: all }, lora) : [];
  const parts = new Set<string>(recipe.train);
  const trained = lora ? adapters : all.filter(({ part }) => parts.has(part));
  const adapted = lora && { config: lora, names: new Set(adapters.map(({ name }) => name)) };
  const common = { on: nativeTraining(), lora: adapted, precision };
  const graph = graphOf(config, recipe);
  const outputs = formStep(graph, { ...common, trained: trained.map(({ name }) => name), recompute });
  const inputs = topologicalOrder(Object.values(outputs)).flatMap((node) => node.outputs.filter(isInput));
  const forward = formStep({ outputs: graph.outputs }, common);
  const alive = peakLiveBytes(outputs) + (recipe.validation ? peakLiveBytes(forward) : 0);

  const hidden = "muon" in recipe.optimizer && recipe.optimizer.muon ? trained.filter(isHiddenMatrix) : [];
  const weights = FLOAT * elements([...all, ...adapters]);
  const moments = ADAMW * (elements(trained) - elements(hidden)) + MUON * elements(hidden);
  const sums = recipe.stage === "sft" && recipe.accumulate === 1 ? 0 : FLOAT * elements(trained);
  const optimizer = FLOAT * elements(trained) + sums + moments;
  const step = ALLOCATOR * alive + bytesOf(inputs);
  return { weights, optimizer, step, total: PROCESS + weights + optimizer + step };
}
