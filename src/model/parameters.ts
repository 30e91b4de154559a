/** @file What a tensor of a model is: its name, its shape, the part of the model it belongs to, and what it does there. */

import { type Value, weight } from "../graph/index.ts";

/** "unused" is what files carry and no graph reads, "auxiliary" what a loss of a training run adds beside the model. */
export type Part = "tower" | "adapter" | "decoder" | "unused" | "auxiliary";

/**
 * What a tensor does: `matrix` the weight of a linear layer · `patches` the kernel that reads pixels · `positions`, `token`
 * learned vectors · `embeddings` the table of text tokens · `head` the matrix that makes logits · `norm` the gain of a norm ·
 * `scale` a factor per channel · `bias`.
 */
export type Role = "matrix" | "patches" | "positions" | "token" | "embeddings" | "head" | "norm" | "scale" | "bias";

export interface Parameter {
  /** The model's own name, the same in every family: "vit…" in the tower, "adp…" in the connector, "llm…" in the decoder. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly part: Part;
  readonly role: Role;
  /** False for what files carry and nothing uses, such as the pooling head of SigLIP. */
  readonly required: boolean;
}

/** A tensor of a part: the part and whether it is required are the part's own. */
export type Tensor = Pick<Parameter, "name" | "shape" | "role">;

export const tensor = (name: string, shape: readonly number[], role: Role): Tensor => ({ name, shape, role });

/** Gain and bias of a LayerNorm. */
export const layerNormTensors = (name: string, size: number): Tensor[] => [
  tensor(`${name}.weight`, [size], "norm"),
  tensor(`${name}.bias`, [size], "bias"),
];

/** A linear layer: weight [out, inner] and, unless told otherwise, bias [out]. */
export const linearTensors = (name: string, out: number, inner: number, bias = true): Tensor[] => [
  tensor(`${name}.weight`, [out, inner], "matrix"),
  ...(bias ? [tensor(`${name}.bias`, [out], "bias")] : []),
];

/** The tensors of layers 0 to n - 1. */
export const repeated = (n: number, make: (layer: number) => Tensor[]): Tensor[] =>
  Array.from({ length: n }, (_, i) => make(i)).flat();

/** Where the graph of a part finds its weights: each name is one value, however often it is asked for. */
export class Parameters {
  readonly #known: ReadonlyMap<string, Parameter>;
  readonly #values = new Map<string, Value>();

  /** @param parameters all of a model's: `listParameters(config)` */
  constructor(parameters: readonly Parameter[]) {
    this.#known = new Map(parameters.map((p) => [p.name, p]));
  }

  /** The weight `name`. @throws Error when the architecture has no such parameter */
  get(name: string): Value {
    const known = this.#known.get(name);
    if (!known) throw new Error(`The architecture has no parameter "${name}".`);
    const value = this.#values.get(name) ?? weight(name, "float32", known.shape);
    this.#values.set(name, value);
    return value;
  }

  /** The weight of the head that makes logits [vocabulary, hidden]: the token embeddings where the two are tied. */
  get head(): Value {
    const named = (role: Role) => [...this.#known.values()].find((p) => p.role === role)?.name;
    return this.get(named("head") ?? named("embeddings")!);
  }
}
