/** @file The tensors of a FlashVL checkpoint: their names, shapes and the part of the model they belong to. */

import { type Value, weight } from "../graph/index.ts";
import type { FlashVLConfig } from "./config.ts";

export type Part = "tower" | "adapter" | "decoder" | "unused";

export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly part: Part;
  /** False for the tower's pooling head, which the published files carry and nothing uses. */
  readonly required: boolean;
}

const affine = (name: string, size: number): [string, number[]][] => [
  [`${name}.weight`, [size]],
  [`${name}.bias`, [size]],
];
const dense = (name: string, out: number, inner: number, bias = true): [string, number[]][] => [
  [`${name}.weight`, [out, inner]],
  ...(bias ? ([[`${name}.bias`, [out]]] as [string, number[]][]) : []),
];
const repeat = (n: number, make: (i: number) => [string, number[]][]) =>
  Array.from({ length: n }, (_, i) => make(i)).flat();

function towerTensors({ vision: v }: FlashVLConfig): [string, number[]][] {
  const d = v.hiddenSize;
  return [
    ["vit.embeddings.patch_embedding.weight", [d, 3, v.patchSize, v.patchSize]],
    ["vit.embeddings.patch_embedding.bias", [d]],
    ["vit.embeddings.position_embedding.weight", [(v.imageSize / v.patchSize) ** 2, d]],
    ...repeat(v.layers, (i) => {
      const at = `vit.encoder.layers.${i}`;
      return [
        ...affine(`${at}.layer_norm1`, d),
        ...["q_proj", "k_proj", "v_proj", "out_proj"].flatMap((p) => dense(`${at}.self_attn.${p}`, d, d)),
        ...affine(`${at}.layer_norm2`, d),
        ...dense(`${at}.mlp.fc1`, v.intermediateSize, d),
        ...dense(`${at}.mlp.fc2`, d, v.intermediateSize),
      ];
    }),
    ...affine("vit.post_layernorm", d),
  ];
}

function poolingHeadTensors({ vision: v }: FlashVLConfig): [string, number[]][] {
  const d = v.hiddenSize;
  return [
    ["vit.head.probe", [1, 1, d]],
    ["vit.head.attention.in_proj_weight", [3 * d, d]],
    ["vit.head.attention.in_proj_bias", [3 * d]],
    ...dense("vit.head.attention.out_proj", d, d),
    ...affine("vit.head.layernorm", d),
    ...dense("vit.head.mlp.fc1", v.intermediateSize, d),
    ...dense("vit.head.mlp.fc2", d, v.intermediateSize),
  ];
}

const adapterTensors = (c: FlashVLConfig): [string, number[]][] => [
  ...affine("adp.p0.0", 4 * c.vision.hiddenSize),
  ...dense("adp.p0.1", c.adapterSize, 4 * c.vision.hiddenSize),
  ...dense("adp.p0.3", c.adapterSize, c.adapterSize),
  ...dense("adp.proj", c.decoder.hiddenSize, c.adapterSize),
];

function decoderTensors({ decoder: l }: FlashVLConfig): [string, number[]][] {
  const d = l.hiddenSize;
  const [q, kv] = [l.heads * l.headDim, l.kvHeads * l.headDim];
  return [
    ["llm.model.embed_tokens.weight", [l.vocabSize, d]],
    ...repeat(l.layers, (i) => {
      const at = `llm.model.layers.${i}`;
      return [
        [`${at}.input_layernorm.weight`, [d]],
        ...dense(`${at}.self_attn.q_proj`, q, d),
        ...dense(`${at}.self_attn.k_proj`, kv, d),
        ...dense(`${at}.self_attn.v_proj`, kv, d),
        ...dense(`${at}.self_attn.o_proj`, d, q, false),
        [`${at}.post_attention_layernorm.weight`, [d]],
        ...dense(`${at}.mlp.gate_proj`, l.intermediateSize, d, false),
        ...dense(`${at}.mlp.up_proj`, l.intermediateSize, d, false),
        ...dense(`${at}.mlp.down_proj`, d, l.intermediateSize, false),
      ] as [string, number[]][];
    }),
    ["llm.model.norm.weight", [d]],
    ...(l.tiedHead ? [] : dense("llm.lm_head", l.vocabSize, d, false)),
  ];
}

/**
 * Every tensor of the published layout for these sizes.
 * @example listParameters(config).find((p) => p.name === "llm.lm_head.weight")?.shape // [151936, 1536]
 */
export function listParameters(config: FlashVLConfig): Parameter[] {
  const of = (part: Part, tensors: [string, number[]][]) =>
    tensors.map(([name, shape]) => ({ name, shape, part, required: part !== "unused" }));
  return [
    ...of("decoder", decoderTensors(config)),
    ...of("tower", towerTensors(config)),
    ...of("unused", poolingHeadTensors(config)),
    ...of("adapter", adapterTensors(config)),
  ];
}

/** The parameters of one graph: each name is one value, however often it is asked for. */
export class Parameters {
  readonly #known: ReadonlyMap<string, Parameter>;
  readonly #values = new Map<string, Value>();

  constructor(config: FlashVLConfig) {
    this.#known = new Map(listParameters(config).map((p) => [p.name, p]));
  }

  /** The weight `name`. @throws Error when the architecture has no such parameter */
  get(name: string): Value {
    const known = this.#known.get(name);
    if (!known) throw new Error(`the architecture has no parameter "${name}"`);
    const value = this.#values.get(name) ?? weight(name, "float32", known.shape);
    this.#values.set(name, value);
    return value;
  }

  /** The weight of the LM head: the token embeddings where the two are tied. */
  get head(): Value {
    const own = "llm.lm_head.weight";
    return this.get(this.#known.has(own) ? own : "llm.model.embed_tokens.weight");
  }
}
