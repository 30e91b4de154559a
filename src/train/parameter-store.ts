/** @file The weights being trained, in float32, in memory that training graphs and the engine read in place. */

import type { Tensor } from "../engine/index.ts";
import { createTensor } from "../engine/index.ts";
import type { Checkpoint } from "../hub/index.ts";
import { type FlashVLConfig, listParameters, type Parameter, type Part, toFloat32 } from "../model/index.ts";

export type { Parameter, Part };

/** All parameters of a model by name. `tensor.data` is the one copy that everybody shares. */
export class ParameterStore {
  readonly tensors: ReadonlyMap<string, Tensor<Float32Array>>;
  readonly parameters: readonly Parameter[];

  constructor(parameters: readonly Parameter[], shared?: ParameterStore) {
    this.parameters = parameters;
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
export const usedParameters = (config: FlashVLConfig): Parameter[] => listParameters(config).filter((p) => p.required);

/** Reads all used parameters of an open checkpoint into a new store. */
export async function loadParameters(config: FlashVLConfig, checkpoint: Checkpoint): Promise<ParameterStore> {
  const store = new ParameterStore(usedParameters(config));
  for (const { name } of store.parameters) {
    const info = checkpoint.tensors.get(name);
    if (!info) throw new Error(`the checkpoint has no tensor "${name}"`);
    store.get(name).set(toFloat32(await checkpoint.readTensor(name), info.dtype));
  }
  return store;
}
