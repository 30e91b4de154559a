/** @file What a run trains, and its optimiser: the same for conversations, prompts and pairs. */

import type { Random } from "../common/index.ts";
import type { LoraConfig } from "../passes/index.ts";
import type { Communicator } from "../ranks/index.ts";
import { adaptersOf, initializeLora } from "./lora/lora.ts";
import { nativeTraining } from "./native-training.ts";
import { Optimizer } from "./optim/optimizer.ts";
import { type Parameter, ParameterStore } from "./parameter-store.ts";
import { resolvedSchedule, type SftRecipe } from "./recipe/schema.ts";

export interface TrainedWeights {
  /** Everything that the graphs read: the model's own, a LoRA's, and what was added. */
  readonly store: ParameterStore;
  /** The LoRA's, initialised; none without one. */
  readonly adapters: readonly Parameter[];
  /** Names of what changes. */
  readonly trained: readonly string[];
}

/**
 * The parts that a recipe trains, or in their place the layers of its LoRA.
 * @param added parameters beside the model, always trained and not yet initialised
 * @throws TrainingInputError naming the target module of a LoRA that is not in the model
 * @example const { store, trained } = chooseTrained(base, recipe, new Random(recipe.seed));
 */
export function chooseTrained(
  base: ParameterStore,
  recipe: { readonly lora?: LoraConfig; readonly train?: readonly string[] },
  random: Random,
  added: readonly Parameter[] = [],
): TrainedWeights {
  const adapters = recipe.lora ? adaptersOf(base, recipe.lora) : [];
  const store = ParameterStore.joined(base, [...adapters, ...added]);
  initializeLora(store, adapters, random);
  const parts = new Set(recipe.train);
  const own = recipe.lora ? adapters : base.parameters.filter((p) => parts.has(p.part));
  return { store, adapters, trained: [...own, ...added].map((p) => p.name) };
}

/** The optimiser of a recipe over these weights. @throws TrainingInputError when a part that is trained has no rate */
export const optimizerOf = (
  { store, trained }: TrainedWeights,
  recipe: { readonly optimizer: SftRecipe["optimizer"]; readonly steps: number; readonly threads?: number },
  ranks: Communicator,
): Optimizer =>
  new Optimizer(store, trained, {
    runtime: nativeTraining().runtime,
    ...recipe.optimizer,
    schedule: resolvedSchedule(recipe),
    threads: recipe.threads,
    ranks,
  });
