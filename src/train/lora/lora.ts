/** @file A LoRA in training: its first values, the masks of its dropout, and the weights that it makes of its base. */

import { deriveSeed, mergeLora, Random } from "../../common/index.ts";
import { LORA_DROPOUT, type LoraConfig, loraParameters, loraScale } from "../../passes/index.ts";
import { createTensor, type Tensor } from "../../runtime/index.ts";
import { TrainingInputError } from "../input-error.ts";
import type { Parameter, ParameterStore } from "../parameter-store.ts";

/**
 * The tensors of a LoRA over the decoder of `base`.
 * @throws TrainingInputError naming the target module that is not in the model
 */
export function adaptersOf(base: Pick<ParameterStore, "parameters">, lora: LoraConfig): readonly Parameter[] {
  try {
    return loraParameters(base.parameters, lora);
  } catch (error) {
    throw new TrainingInputError(`lora.targetModules: ${(error as Error).message}`, { cause: error });
  }
}

/** As PEFT begins: A uniform within ±1/√inputs, B zero, so that the model is at first its base. */
export function initializeLora(store: ParameterStore, adapters: readonly Parameter[], random: Random): void {
  for (const { name, shape } of adapters) {
    const data = store.get(name);
    const bound = name.endsWith(".lora_A.weight") ? 1 / Math.sqrt(shape[1]!) : 0;
    for (let i = 0; i < data.length; i++) data[i] = bound === 0 ? 0 : bound * (2 * random.uniform() - 1);
  }
}

/**
 * Draws the masks of one run of a training graph. Layers of the same input size share theirs.
 * @param stream numbers that name the run, for example seed, step and the run's number in it: a resumed run draws the same
 */
export function fillDropout(inputs: ReadonlyMap<string, Tensor>, dropout: number, ...stream: readonly number[]): void {
  let number = 0;
  for (const [name, { data }] of inputs) {
    if (!name.startsWith(LORA_DROPOUT)) continue;
    const random = new Random(deriveSeed(...stream, number++));
    const kept = 1 / (1 - dropout);
    const mask = data as Float32Array;
    for (let i = 0; i < mask.length; i++) mask[i] = random.uniform() < dropout ? 0 : kept;
  }
}

/** The model of a base and its LoRA in whole weights, for an engine that reads them in place. */
export class MergedWeights {
  /** Weights by name: the store's own where no adapter changes them. */
  readonly tensors: ReadonlyMap<string, Tensor<Float32Array>>;
  readonly #store: ParameterStore;
  readonly #changed: readonly { readonly name: string; readonly a: string; readonly b: string }[];
  readonly #lora: LoraConfig;

  constructor(store: ParameterStore, adapters: readonly Parameter[], lora: LoraConfig) {
    this.#store = store;
    this.#lora = lora;
    const own = new Set(adapters.map(({ name }) => name));
    this.#changed = adapters
      .filter(({ name }) => name.endsWith(".lora_A.weight"))
      .map(({ name: a }) => {
        const layer = a.replace(/\.lora_A\.weight$/, "");
        return { name: `${layer}.weight`, a, b: `${layer}.lora_B.weight` };
      });
    const tensors = new Map([...store.tensors].filter(([name]) => !own.has(name)));
    const changed = new Set(this.#changed.map(({ name }) => name));
    for (const { name, shape } of store.parameters.filter((p) => changed.has(p.name)))
      tensors.set(name, createTensor("float32", shape) as Tensor<Float32Array>);
    this.tensors = tensors;
    this.update();
  }

  /** Computes the changed weights anew, in place. */
  update(): void {
    const { rank } = this.#lora;
    for (const { name, a, b } of this.#changed) {
      const merged = this.tensors.get(name)!.data;
      merged.set(this.#store.get(name));
      mergeLora(merged, this.#store.get(a), this.#store.get(b), { rank, alpha: rank * loraScale(this.#lora) });
    }
  }
}
