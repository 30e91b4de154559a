/** @file Auxiliary losses of supervised fine-tuning: terms beside the answers' own, as objects or as users' modules. */

import type { Value } from "../graph/index.ts";
import type { ModelConfig, Parameters } from "../model/index.ts";
import type { Tensor } from "../runtime/index.ts";
import type { Batch, BatchShape } from "./data/batches.ts";
import { TrainingInputError } from "./input-error.ts";
import { openModule, type Resolve, type UserOptions } from "./open-module.ts";
import type { Parameter, ParameterStore } from "./parameter-store.ts";

/** What a term may be computed from: the values of the graph that also gives the answers' loss. */
export interface TermValues {
  readonly config: ModelConfig;
  readonly shape: BatchShape;
  /** The model's parameters as values. */
  readonly parameters: Parameters;
  /** What the tower sees, [images, patches, vision hidden]. */
  readonly patches: Value;
  /** Picture tokens as they enter the decoder, [images, windowTokens, hidden]. */
  readonly pictureTokens: Value;
  /** The decoder's output after the final norm, [rows·length, hidden]. */
  readonly hidden: Value;
  /** Queries and keys of each decoder layer after rotation, [rows, length, heads·dim] and [rows, length, kvHeads·dim]. */
  readonly layers: readonly { readonly q: Value; readonly k: Value }[];
}

/** A term of the training loss beside that of the answers. */
export interface AuxiliaryLoss {
  /** The metric is called `<name>_loss`. */
  readonly name: string;
  /**
   * Parameters of its own, such as a head. They are trained (at the rate of `optimizer.learningRate.auxiliary`), kept in
   * training checkpoints, and no part of the published model.
   */
  readonly parameters?: readonly Pick<Parameter, "name" | "shape" | "role">[];
  /** Writes the values that its parameters start from; they start as a new model's do when left out. */
  initialize?(store: ParameterStore): void;
  /** Adds the term to the graph: a scalar, from `values` and inputs of its own. Names of inputs are shared by the whole graph. */
  term(values: TermValues): Value;
  /**
   * Fills the inputs that `term` added.
   * @param total factor of the term for this batch: the recipe's weight over the batches of the optimiser step
   */
  fill(inputs: ReadonlyMap<string, Tensor>, batch: Batch, total: number): void;
}

export interface WeightedLoss {
  readonly loss: AuxiliaryLoss;
  readonly weight: number;
}

/** What an auxiliary loss is made for. */
export interface AuxiliaryContext {
  readonly config: ModelConfig;
  readonly shape: BatchShape;
  readonly resolve: Resolve;
}

/** The default export of a module that a recipe's `auxiliary` names. */
export type OpenAuxiliaryLoss = (
  options: UserOptions,
  context: AuxiliaryContext,
) => AuxiliaryLoss | Promise<AuxiliaryLoss>;

export interface AuxiliarySpec {
  readonly module: string;
  readonly weight: number;
  readonly options: UserOptions;
}

/**
 * Opens the auxiliary losses of a recipe.
 * @throws TrainingInputError when a module cannot be imported, refuses its options, or gives no auxiliary loss
 */
export async function openAuxiliaryLosses(
  specs: readonly AuxiliarySpec[],
  context: AuxiliaryContext,
): Promise<WeightedLoss[]> {
  const opened: WeightedLoss[] = [];
  for (const { module, weight, options } of specs) {
    const loss = await openModule<AuxiliaryLoss>(module, "auxiliary loss", options, context);
    if (!(typeof loss?.name === "string" && typeof loss.term === "function" && typeof loss.fill === "function"))
      throw new TrainingInputError(
        `The auxiliary loss ${module} gives no auxiliary loss. Its default export is to return { name, term, fill }.`,
      );
    opened.push({ loss, weight });
  }
  return opened;
}

/**
 * The parameters that the losses add to a model's.
 * @throws TrainingInputError when two losses share a name, or one's parameter is called as another or the model's
 */
export function addedParameters(auxiliary: readonly WeightedLoss[], base: ParameterStore): Parameter[] {
  const names = new Set<string>();
  const taken = new Set(base.tensors.keys());
  const added: Parameter[] = [];
  for (const { loss } of auxiliary) {
    if (names.has(loss.name))
      throw new TrainingInputError(
        `Two auxiliary losses are called "${loss.name}", expected different names: their metrics are called after them.`,
      );
    names.add(loss.name);
    for (const parameter of loss.parameters ?? []) {
      const { name } = parameter;
      if (taken.has(name))
        throw new TrainingInputError(
          `The auxiliary loss "${loss.name}" adds a parameter "${name}", which there is already. Choose another name.`,
        );
      taken.add(name);
      added.push({ ...parameter, part: "auxiliary", required: true });
    }
  }
  return added;
}

/**
 * Fills the inputs of all losses for a batch that is `share` of an optimiser step.
 * @throws TrainingInputError naming the loss that failed
 */
export function fillAuxiliary(
  auxiliary: readonly WeightedLoss[],
  inputs: ReadonlyMap<string, Tensor>,
  batch: Batch,
  share: number,
): void {
  for (const { loss, weight } of auxiliary)
    try {
      loss.fill(inputs, batch, weight * share);
    } catch (error) {
      throw new TrainingInputError(
        `The auxiliary loss "${loss.name}" cannot fill its inputs from the batch: ${(error as Error).message}`,
        { cause: error },
      );
    }
}
