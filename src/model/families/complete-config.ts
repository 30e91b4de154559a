/** @file A config.json with its gaps filled: parts under other names, sizes from the shapes of tensors, constants of published models. */

import type { ConfigFacts, Family } from "../family.ts";

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Where a value comes from that config.json does not have. */
export type Origin = "tensors" | "published models";

/** Names under which configs keep the parts of a model. */
const PARTS = {
  vision: ["vision_config", "vit_config", "vision_tower_config", "visual_config", "vision", "vit", "vision_tower"],
  decoder: ["llm_config", "text_config", "language_config", "language_model_config", "decoder_config", "llm", "text"],
} as const;

/** Other names of sizes, by the name that transformers gives them. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  hidden_size: ["embed_dim", "d_model", "width"],
  num_hidden_layers: ["depth", "num_layers", "n_layer"],
  num_attention_heads: ["num_heads", "n_head"],
  num_key_value_heads: ["num_kv_heads"],
  intermediate_size: ["mlp_hidden_dim", "ffn_dim", "ffn_hidden_size"],
  image_size: ["img_size"],
};

/** Dimensions of a head by the width of the model: SigLIP so400m, InternViT-300M, AIMv2-huge; Qwen2.5 and Qwen3. */
const HEAD_DIMS = {
  vision: new Map([
    [768, 64],
    [1024, 64],
    [1152, 72],
    [1536, 128],
  ]),
  decoder: new Map([
    [896, 64],
    [1024, 128],
    [1536, 128],
    [2048, 128],
    [3584, 128],
  ]),
};
/** Positions that Qwen2.5 and Qwen3 were trained on. */
const POSITIONS = { qwen2: 32_768, qwen3: 40_960 };

/** Levels of objects that are searched for parts. */
const DEEPEST = 3;

/** The first object under one of these names, in the object or in those inside it. */
function findPart(json: Json, names: readonly string[], depth = 0): Json | undefined {
  for (const name of names) if (Object.hasOwn(json, name) && isObject(json[name])) return json[name];
  if (depth === DEEPEST) return undefined;
  for (const value of Object.values(json)) {
    const found = isObject(value) ? findPart(value, names, depth + 1) : undefined;
    if (found) return found;
  }
  return undefined;
}

/** The same object with sizes under the names that transformers gives them. */
function renamed(part: Json): Json {
  const extra = Object.entries(SYNONYMS).flatMap(([name, others]) => {
    const other = others.find((key) => Object.hasOwn(part, key));
    return Object.hasOwn(part, name) || other === undefined ? [] : [[name, part[other]] as const];
  });
  return extra.length === 0 ? part : { ...part, ...Object.fromEntries(extra) };
}

/** Shapes by the model's own names of tensors; undefined for those that the files do not have. */
type ShapeOf = (name: string) => readonly number[] | undefined;

function shapesOf(family: Family, { tensors }: ConfigFacts): ShapeOf {
  if (!tensors) return () => undefined;
  const fileName = family.fileNames((name) => tensors.has(name));
  return (name) => tensors.get(fileName(name))?.shape;
}

function countLayers(shapeOf: ShapeOf, name: (layer: number) => string): number | undefined {
  let layers = 0;
  while (shapeOf(name(layers))) layers++;
  return layers || undefined;
}

type Sizes = Readonly<Record<string, number | undefined>>;

/** Sizes of the tower that tensors have: `width` names its hidden size where config.json has it. */
function visionSizes(shapeOf: ShapeOf): Sizes {
  const patches = shapeOf("vit.embeddings.patch_embedding.weight");
  const patch = patches?.[2];
  const table = shapeOf("vit.embeddings.position_embedding.weight") ?? shapeOf("vit.embeddings.position_embedding");
  const places = table && table.at(-2)! - (shapeOf("vit.embeddings.class_embedding") ? 1 : 0);
  const first = "vit.encoder.layers.0.mlp";
  return {
    hidden_size: patches?.[0],
    patch_size: patch,
    image_size: places && patch && Math.round(Math.sqrt(places)) * patch,
    num_hidden_layers: countLayers(shapeOf, (i) => `vit.encoder.layers.${i}.layer_norm1.weight`),
    intermediate_size: (shapeOf(`${first}.fc1.weight`) ?? shapeOf(`${first}.gate_proj.weight`))?.[0],
  };
}

function decoderSizes(shapeOf: ShapeOf, headDim: number | undefined): Sizes {
  const attention = "llm.model.layers.0.self_attn";
  const [vocabulary, width] = shapeOf("llm.model.embed_tokens.weight") ?? [];
  const heads = (rows: number | undefined) => (rows && headDim ? rows / headDim : undefined);
  return {
    vocab_size: vocabulary,
    hidden_size: width,
    num_hidden_layers: countLayers(shapeOf, (i) => `llm.model.layers.${i}.input_layernorm.weight`),
    intermediate_size: shapeOf("llm.model.layers.0.mlp.gate_proj.weight")?.[0],
    num_attention_heads: heads(shapeOf(`${attention}.q_proj.weight`)?.[0]),
    num_key_value_heads: heads(shapeOf(`${attention}.k_proj.weight`)?.[0]),
  };
}

/** A part with what it lacks, and a note of each. Values that config.json has stay, right or wrong: shapes are checked later. */
function fill(part: Json, from: Origin, sizes: Sizes, note: (key: string, from: Origin) => void): Json {
  const missing = Object.entries(sizes).filter(([key, value]) => value !== undefined && (part[key] ?? null) === null);
  for (const [key] of missing) note(key, from);
  return missing.length === 0 ? part : { ...part, ...Object.fromEntries(missing) };
}

const numberIn = (part: Json, key: string): number | undefined =>
  typeof part[key] === "number" ? part[key] : undefined;

/**
 * The content of a config.json as its family reads it.
 * @returns the completed content, and where each value comes from that was not there
 * @example completeConfig({ llm_config: "Qwen/Qwen2.5-1.5B-Instruct" }, flashvlStatic, { tensors }).derived["llm_config.vocab_size"] // "tensors"
 */
export function completeConfig(
  json: Json,
  family: Family,
  facts: ConfigFacts,
): { json: Json; derived: Readonly<Record<string, Origin>> } {
  const shapeOf = shapesOf(family, facts);
  const derived: Record<string, Origin> = {};
  const noteFor = (key: string) => (size: string, from: Origin) => {
    derived[`${key}.${size}`] = from;
  };
  const note = { vision: noteFor(family.parts.vision), decoder: noteFor(family.parts.decoder) };

  let vision = fill(renamed(findPart(json, PARTS.vision) ?? {}), "tensors", visionSizes(shapeOf), note.vision);
  const width = numberIn(vision, "hidden_size") ?? 0;
  const visionHead = facts.tensors && HEAD_DIMS.vision.get(width);
  vision = fill(vision, "published models", { num_attention_heads: visionHead && width / visionHead }, note.vision);

  let decoder = renamed(findPart(json, PARTS.decoder) ?? {});
  const normed = shapeOf("llm.model.layers.0.self_attn.q_norm.weight");
  decoder = fill(decoder, "tensors", { head_dim: normed?.[0] }, note.decoder);
  const hidden = numberIn(decoder, "hidden_size") ?? shapeOf("llm.model.embed_tokens.weight")?.[1] ?? 0;
  const heads = numberIn(decoder, "num_attention_heads");
  const published = facts.tensors && HEAD_DIMS.decoder.get(hidden);
  const headDim = numberIn(decoder, "head_dim") ?? (heads ? hidden / heads : published);
  if (heads === undefined && numberIn(decoder, "head_dim") === undefined)
    decoder = fill(decoder, "published models", { head_dim: published }, note.decoder);
  decoder = fill(decoder, "tensors", decoderSizes(shapeOf, headDim), note.decoder);
  if (facts.tensors) {
    const positions = normed ? POSITIONS.qwen3 : POSITIONS.qwen2;
    decoder = fill(decoder, "published models", { max_position_embeddings: positions }, note.decoder);
    if (normed && decoder.model_type === undefined) decoder = { ...decoder, model_type: "qwen3" };
  }

  const adapter = shapeOf("adp.p0.1.weight")?.[0];
  const top = family.parts.adapter
    ? fill(json, "tensors", { [family.parts.adapter]: adapter }, (key) => {
        derived[key] = "tensors";
      })
    : json;
  return {
    json: {
      ...top,
      ...(Object.keys(vision).length > 0 && { [family.parts.vision]: vision }),
      ...(Object.keys(decoder).length > 0 && { [family.parts.decoder]: decoder }),
    },
    derived,
  };
}
