/** @file The weights being trained, in float32, in memory that training graphs and the engine read in place. */

import { basename } from "node:path";
import { ADAPTER_WEIGHTS, type Checkpoint, type Dtype, loadTensors, type TensorInfo } from "../hub/index.ts";
import {
  listParameters,
  type ModelConfig,
  type Parameter,
  type Part,
  type StoredTensor,
  storedIn,
} from "../model/index.ts";
import type { Tensor } from "../runtime/index.ts";
import { createTensor } from "../runtime/index.ts";

export type { Parameter, Part };

/** A tensor of a checkpoint's files: the parameters that it holds, one after the other by rows, and its type there. */
export interface FileTensor extends StoredTensor {
  readonly dtype: Dtype;
}

/** Every parameter of the model under its own name, as published weights are. */
const publishedLayout = (parameters: readonly Parameter[]): readonly FileTensor[] =>
  parameters
    .filter(({ part }) => part !== "unused")
    .map(({ name, shape }) => ({ name, shape, holds: [name], dtype: "BF16" }));

/** All parameters of a model by name. `tensor.data` is the one copy that everybody shares. */
export class ParameterStore {
  readonly tensors: ReadonlyMap<string, Tensor<Float32Array>>;
  readonly parameters: readonly Parameter[];
  /** How checkpoints hold the parameters: as the one that they came from. */
  readonly layout: readonly FileTensor[];

  constructor(parameters: readonly Parameter[], shared?: ParameterStore, layout = publishedLayout(parameters)) {
    this.parameters = parameters;
    this.layout = shared?.layout ?? layout;
    const make = (p: Parameter) =>
      shared?.tensors.get(p.name) ?? (createTensor("float32", p.shape) as Tensor<Float32Array>);
    this.tensors = new Map(parameters.map((p) => [p.name, make(p)]));
  }

  /** The tensors of `base`, not copied, and new ones for `more`. */
  static joined(base: ParameterStore, more: readonly Parameter[]): ParameterStore {
    return more.length === 0 ? base : new ParameterStore([...base.parameters, ...more], base);
  }

  /** Memory of `name`. @throws Error when there is no such parameter */
  get(name: string): Float32Array {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new Error(`there is no parameter "${name}" in this model`);
    return tensor.data;
  }
}

/** The parameters a graph can use: everything but the tower's unused pooling head. */
export const usedParameters = (config: ModelConfig): Parameter[] => listParameters(config).filter((p) => p.required);

/** A weight keeps its type; one that an adapter has changed takes that of published weights. */
const keptType = (info: TensorInfo | undefined): Dtype =>
  info && basename(info.file) !== ADAPTER_WEIGHTS ? info.dtype : "BF16";

/**
 * Reads all used parameters of an open checkpoint into a new store.
 * @throws CheckpointError listing every tensor that does not fit config.json
 */
export async function loadParameters(config: ModelConfig, checkpoint: Checkpoint): Promise<ParameterStore> {
  const files = checkpoint.asStored ?? checkpoint;
  const layout = storedIn(config, (name) => files.tensors.has(name)).map((stored) => ({
    ...stored,
    dtype: keptType(files.tensors.get(stored.name)),
  }));
  const store = new ParameterStore(usedParameters(config), undefined, layout);
  await loadTensors(checkpoint, store.parameters, ({ name }) => store.get(name));
  return store;
}
