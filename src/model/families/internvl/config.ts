/** @file config.json of InternVL 2.5, 3 and 3.5 in the two layouts of its repositories, validated. */

import { z } from "zod";
import type { ModelConfig, TileLimits } from "../../config.ts";
import { count, imageSide, layers, multiple, parsedConfig, tiles } from "../../config-limits.ts";
import { decoderSchema, readDecoder } from "../../decoders/qwen-config.ts";
import type { ConfigFacts } from "../../family.ts";

const visionSchema = z.object({
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: layers,
  num_attention_heads: count,
  num_channels: z.literal(3).default(3),
  norm_type: z.literal("layer_norm").default("layer_norm"),
  layer_norm_eps: z.number().positive().default(1e-6),
  hidden_act: z.literal("gelu").default("gelu"),
});

const remoteSchema = z.object({
  vision_config: visionSchema.extend({
    image_size: imageSide,
    patch_size: count,
    qkv_bias: z.literal(true).default(true),
    qk_normalization: z.literal(false).default(false),
  }),
  llm_config: decoderSchema,
  downsample_ratio: z.literal(0.5).default(0.5),
  ps_version: z.enum(["v1", "v2"]).default("v2"),
  select_layer: z.literal(-1).default(-1),
  template: z.literal("internvl2_5").default("internvl2_5"),
  force_image_size: imageSide.nullish(),
  dynamic_image_size: z.boolean().default(true),
  use_thumbnail: z.boolean().default(true),
  min_dynamic_patch: tiles.default(1),
  max_dynamic_patch: tiles.default(12),
  pad2square: z.literal(false).default(false),
  system_message: z.string().nullish(),
});

const side = z.union([imageSide, z.tuple([imageSide, imageSide])]);
const transformersSchema = z.object({
  vision_config: visionSchema.extend({
    image_size: side,
    patch_size: side,
    attention_bias: z.literal(true).default(true),
    use_qk_norm: z.literal(false).default(false),
    use_mean_pooling: z.literal(true).default(true),
    use_absolute_position_embeddings: z.literal(true).default(true),
  }),
  text_config: decoderSchema,
  image_seq_length: count.optional(),
  downsample_ratio: z.literal(0.5).default(0.5),
  projector_hidden_act: z.literal("gelu").default("gelu"),
  vision_feature_layer: z.literal(-1).default(-1),
});

/** Of preprocessor_config.json: transformers keeps the limits of tiles there. */
const processorSchema = z.object({
  crop_to_patches: z.boolean().nullish(),
  min_patches: tiles.nullish(),
  max_patches: tiles.nullish(),
});

type Vision = z.infer<typeof visionSchema>;

function assemble(
  family: string,
  v: Vision & { image_size: number; patch_size: number },
  rest: Pick<ModelConfig, "decoder" | "tiles" | "systemPrompt"> & Pick<ModelConfig["connector"], "tokenOrder">,
): ModelConfig {
  multiple(v.image_size, 2 * v.patch_size, "vision_config.image_size", "two patches");
  multiple(v.hidden_size, v.num_attention_heads, "vision_config.hidden_size", "num_attention_heads");
  const { tokenOrder, ...others } = rest;
  return {
    family,
    vision: {
      hiddenSize: v.hidden_size,
      intermediateSize: v.intermediate_size,
      layers: v.num_hidden_layers,
      heads: v.num_attention_heads,
      imageSize: v.image_size,
      patchSize: v.patch_size,
      normEpsilon: v.layer_norm_eps,
    },
    connector: { hiddenSize: rest.decoder.hiddenSize, tokenOrder },
    windowTokens: (v.image_size / v.patch_size / 2) ** 2,
    ...others,
  };
}

/** "Flash" models choose a resolution for each tile by a router of their own. */
function refuseRouter(json: unknown, { tensors }: ConfigFacts): void {
  const keys = typeof json === "object" && json !== null ? Object.keys(json) : [];
  if (keys.some((key) => key.startsWith("flash_")) || tensors?.has("pooling_before_gating.w_q.weight"))
    throw new Error(
      "config.json: this is an InternVL Flash model, whose router of resolutions is not supported; use the model without Flash.",
    );
}

/** The head is the file's, whatever the config says. */
const tied = ({ tensors }: ConfigFacts, head: readonly string[], flag: boolean | undefined): boolean =>
  tensors ? !head.some((name) => tensors.has(name)) : (flag ?? false);

/** @throws Error listing every key that is missing, has the wrong type, or contradicts another */
export function readRemoteConfig(json: unknown, facts: ConfigFacts): ModelConfig {
  refuseRouter(json, facts);
  const c = parsedConfig(remoteSchema, json, "an InternVL configuration");
  const { vision_config: v, llm_config: l } = c;
  const most = c.dynamic_image_size ? c.max_dynamic_patch : 1;
  const limits: TileLimits = { least: Math.min(c.min_dynamic_patch, most), most, thumbnail: c.use_thumbnail };
  return assemble(
    "internvl",
    { ...v, image_size: c.force_image_size ?? v.image_size },
    {
      decoder: readDecoder(l, {
        key: "llm_config",
        tiedHead: tied(facts, ["language_model.lm_head.weight"], l.tie_word_embeddings),
      }),
      tokenOrder: c.ps_version === "v1" ? "column-major" : "row-major",
      tiles: limits,
      ...(c.system_message && { systemPrompt: c.system_message }),
    },
  );
}

/** @throws Error listing every key that is missing, has the wrong type, or contradicts another */
export function readTransformersConfig(json: unknown, facts: ConfigFacts): ModelConfig {
  const c = parsedConfig(transformersSchema, json, "an InternVL configuration in transformers' layout");
  const p = parsedConfig(
    processorSchema,
    facts.preprocessor ?? {},
    "beside a preprocessor_config.json that can be used",
  );
  const most = p.crop_to_patches === false ? 1 : (p.max_patches ?? 12);
  const square = (value: z.infer<typeof side>, what: string): number => {
    const [height, width] = typeof value === "number" ? [value, value] : value;
    if (height !== width)
      throw new Error(`config.json: vision_config.${what} is ${width}×${height}, expected a square`);
    return height;
  };
  const v = {
    ...c.vision_config,
    image_size: square(c.vision_config.image_size, "image_size"),
    patch_size: square(c.vision_config.patch_size, "patch_size"),
  };
  const config = assemble("internvl-hf", v, {
    decoder: readDecoder(c.text_config, {
      key: "text_config",
      tiedHead: tied(facts, ["lm_head.weight", "language_model.lm_head.weight"], c.text_config.tie_word_embeddings),
    }),
    tokenOrder: "row-major",
    tiles: { least: Math.min(p.min_patches ?? 1, most), most, thumbnail: true },
  });
  if (c.image_seq_length !== undefined && c.image_seq_length !== config.windowTokens)
    throw new Error(
      `config.json: image_seq_length is ${c.image_seq_length}, but the picture and patch size give ${config.windowTokens}`,
    );
  return config;
}
