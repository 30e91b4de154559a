/** @file config.json of a FlashVL static checkpoint: every size of the model, validated. */

import { z } from "zod";

/** Far above any published model, and low enough that a hostile config.json cannot exhaust memory before tensors are checked. */
const MAX_LAYERS = 512;
const MAX_WIDTH = 2 ** 20;
const MAX_POSITIONS = 2 ** 20;
const MAX_IMAGE_SIZE = 2 ** 13;
const MAX_VOCABULARY = 2 ** 22;

const count = z.number().int().positive().max(MAX_WIDTH);
const layers = z.number().int().positive().max(MAX_LAYERS);
const tokenId = z.number().int().nonnegative().max(MAX_VOCABULARY);

const visionSchema = z.object({
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: layers,
  num_attention_heads: count,
  image_size: count.max(MAX_IMAGE_SIZE),
  patch_size: count,
  num_channels: z.literal(3).default(3),
  layer_norm_eps: z.number().positive().default(1e-6),
  hidden_act: z.literal("gelu_pytorch_tanh").default("gelu_pytorch_tanh"),
  proj_output_dim: count.optional(),
});

const llmSchema = z.object({
  vocab_size: z.number().int().positive().max(MAX_VOCABULARY),
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: layers,
  num_attention_heads: count,
  num_key_value_heads: count.optional(),
  head_dim: count.optional(),
  max_position_embeddings: count.max(MAX_POSITIONS),
  rope_theta: z.number().positive().optional(),
  rope_parameters: z
    .object({ rope_theta: z.number().positive().optional(), rope_type: z.string().optional() })
    .optional(),
  rope_scaling: z.null().optional(),
  rms_norm_eps: z.number().positive().default(1e-6),
  hidden_act: z.literal("silu").default("silu"),
  tie_word_embeddings: z.boolean().default(false),
  use_sliding_window: z.literal(false).optional(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).optional(),
});

const configSchema = z.object({
  model_type: z.string().optional(),
  vision_config: visionSchema,
  llm_config: llmSchema,
  intermediate_size: count,
  image_token_num: count.optional(),
  pixel_shuffle: z.enum(["row-major", "column-major"]).default("row-major"),
});

export interface VisionConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly imageSize: number;
  readonly patchSize: number;
  readonly normEpsilon: number;
}

export interface DecoderConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly maxPositions: number;
  readonly ropeTheta: number;
  readonly normEpsilon: number;
  readonly tiedHead: boolean;
  readonly eosTokenIds: readonly number[];
}

export interface FlashVLConfig {
  readonly vision: VisionConfig;
  readonly decoder: DecoderConfig;
  /** Width of the adapter's two hidden layers (7168 in the published model). */
  readonly adapterSize: number;
  /** Tokens that one picture takes in the prompt: a quarter of its patches. */
  readonly imageTokens: number;
  /** Order of a picture's tokens; see the adapter. */
  readonly pixelShuffle: "row-major" | "column-major";
}

const multiple = (value: number, of: number, what: string, ofWhat: string): void => {
  if (value % of !== 0) throw new Error(`config.json: ${what} is ${value}, expected a multiple of ${ofWhat} (${of})`);
};

/**
 * Reads the parsed content of config.json.
 * @throws Error listing every key that is missing, has the wrong type, or contradicts another
 * @example parseConfig(JSON.parse(await readFile("config.json", "utf8"))).imageTokens // 256
 */
export function parseConfig(json: unknown): FlashVLConfig {
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((i) => `  ${i.path.join(".") || "(top)"}: ${i.message}`).join("\n");
    throw new Error(`config.json is not a FlashVL static configuration:\n${issues}`);
  }
  const { vision_config: v, llm_config: l, ...top } = parsed.data;
  multiple(v.image_size, 2 * v.patch_size, "vision_config.image_size", "two patches");
  multiple(v.hidden_size, v.num_attention_heads, "vision_config.hidden_size", "num_attention_heads");
  const kvHeads = l.num_key_value_heads ?? l.num_attention_heads;
  multiple(l.num_attention_heads, kvHeads, "llm_config.num_attention_heads", "num_key_value_heads");
  if (!l.head_dim) multiple(l.hidden_size, l.num_attention_heads, "llm_config.hidden_size", "num_attention_heads");
  const headDim = l.head_dim ?? l.hidden_size / l.num_attention_heads;
  multiple(headDim, 2, "llm_config.head_dim", "2 (rotary halves)");
  const ropeType = l.rope_parameters?.rope_type ?? "default";
  if (ropeType !== "default")
    throw new Error(`config.json: rope_type "${ropeType}" is not supported, expected "default"`);
  const imageTokens = (v.image_size / v.patch_size / 2) ** 2;
  if (top.image_token_num !== undefined && top.image_token_num !== imageTokens)
    throw new Error(
      `config.json: image_token_num is ${top.image_token_num}, but the picture and patch size give ${imageTokens}`,
    );
  if (v.proj_output_dim !== undefined && v.proj_output_dim !== l.hidden_size)
    throw new Error(
      `config.json: proj_output_dim is ${v.proj_output_dim}, expected llm_config.hidden_size (${l.hidden_size})`,
    );
  const eos = l.eos_token_id;
  return {
    vision: {
      hiddenSize: v.hidden_size,
      intermediateSize: v.intermediate_size,
      layers: v.num_hidden_layers,
      heads: v.num_attention_heads,
      imageSize: v.image_size,
      patchSize: v.patch_size,
      normEpsilon: v.layer_norm_eps,
    },
    decoder: {
      vocabSize: l.vocab_size,
      hiddenSize: l.hidden_size,
      intermediateSize: l.intermediate_size,
      layers: l.num_hidden_layers,
      heads: l.num_attention_heads,
      kvHeads,
      headDim,
      maxPositions: l.max_position_embeddings,
      ropeTheta: l.rope_theta ?? l.rope_parameters?.rope_theta ?? 1e6,
      normEpsilon: l.rms_norm_eps,
      tiedHead: l.tie_word_embeddings,
      eosTokenIds: eos === undefined ? [] : [eos].flat(),
    },
    adapterSize: top.intermediate_size,
    imageTokens,
    pixelShuffle: top.pixel_shuffle,
  };
}
