/** @file config.json of a FlashVL static checkpoint: every size of the model, validated. */

import { z } from "zod";
import type { ModelConfig } from "../../config.ts";
import { count, imageSide, layers, multiple, parsedConfig } from "../../config-limits.ts";
import { decoderSchema, readDecoder } from "../../decoders/qwen-config.ts";
import type { ConfigFacts } from "../../family.ts";
import { checkStatedSizes } from "../flashvl-sizes.ts";

const visionSchema = z.object({
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: layers,
  num_attention_heads: count,
  image_size: imageSide,
  patch_size: count,
  num_channels: z.literal(3).default(3),
  layer_norm_eps: z.number().positive().default(1e-6),
  hidden_act: z.literal("gelu_pytorch_tanh").default("gelu_pytorch_tanh"),
  proj_output_dim: count.optional(),
});

const configSchema = z.object({
  model_type: z.string().optional(),
  vision_config: visionSchema,
  llm_config: decoderSchema,
  intermediate_size: count,
  image_token_num: count.optional(),
  pixel_shuffle: z.enum(["row-major", "column-major"]).default("row-major"),
});

/** @throws Error listing every key that is missing, has the wrong type, or contradicts another */
export function readConfig(json: unknown, facts: ConfigFacts): ModelConfig {
  const {
    vision_config: v,
    llm_config: l,
    ...top
  } = parsedConfig(configSchema, json, "a FlashVL static configuration");
  multiple(v.image_size, 2 * v.patch_size, "vision_config.image_size", "two patches");
  multiple(v.hidden_size, v.num_attention_heads, "vision_config.hidden_size", "num_attention_heads");
  const tiedHead = facts.tensors ? !facts.tensors.has("llm.lm_head.weight") : (l.tie_word_embeddings ?? false);
  const decoder = readDecoder(l, { key: "llm_config", tiedHead });
  const windowTokens = (v.image_size / v.patch_size / 2) ** 2;
  const stated = { imageTokens: top.image_token_num, projection: v.proj_output_dim };
  checkStatedSizes(stated, windowTokens, l.hidden_size);
  return {
    family: "flashvl-static",
    vision: {
      hiddenSize: v.hidden_size,
      intermediateSize: v.intermediate_size,
      layers: v.num_hidden_layers,
      heads: v.num_attention_heads,
      imageSize: v.image_size,
      patchSize: v.patch_size,
      normEpsilon: v.layer_norm_eps,
    },
    decoder,
    connector: { hiddenSize: top.intermediate_size, tokenOrder: top.pixel_shuffle },
    windowTokens,
  };
}
