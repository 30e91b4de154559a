/** @file The sizes of the published FlashVL models, for checkpoints of random weights. */

/**
 * config.json of FlashVL-2B-Static: SigLIP2 so400m (patch 16, 512 px), adapter 7168, Qwen2.5 1.5B with its own head;
 * 2,301,306,304 parameters with the tower's unused pooling head.
 */
const STATIC = {
  architectures: ["FlashVLStatic"],
  auto_map: {
    AutoConfig: "configuration_FlashVLStatic.FlashVLStaticConfig",
    AutoModel: "modeling_FlashVLStatic.FlashVLStatic",
  },
  model_type: "FlashVLStaticConfig",
  torch_dtype: "bfloat16",
  image_token_num: 256,
  intermediate_size: 7168,
  llm_config: {
    architectures: ["Qwen2ForCausalLM"],
    model_type: "qwen2",
    vocab_size: 151936,
    hidden_size: 1536,
    intermediate_size: 8960,
    num_hidden_layers: 28,
    num_attention_heads: 12,
    num_key_value_heads: 2,
    max_position_embeddings: 32768,
    rope_theta: 1000000,
    rms_norm_eps: 1e-6,
    hidden_act: "silu",
    bos_token_id: 151643,
    eos_token_id: 151645,
    tie_word_embeddings: false,
  },
  vision_config: {
    model_type: "siglip_vision_model",
    hidden_size: 1152,
    intermediate_size: 4304,
    num_hidden_layers: 27,
    num_attention_heads: 16,
    num_channels: 3,
    image_size: 512,
    patch_size: 16,
    hidden_act: "gelu_pytorch_tanh",
    layer_norm_eps: 1e-6,
    proj_output_dim: 1536,
  },
};

/** InternViT-300M at 448 px, of which InternVL's repositories say. */
const INTERNVIT = {
  architectures: ["InternVisionModel"],
  model_type: "intern_vit_6b",
  hidden_size: 1024,
  intermediate_size: 4096,
  num_hidden_layers: 24,
  num_attention_heads: 16,
  num_channels: 3,
  image_size: 448,
  patch_size: 14,
  norm_type: "layer_norm",
  layer_norm_eps: 1e-6,
  hidden_act: "gelu",
  qkv_bias: true,
  qk_normalization: false,
};

/** config.json of InternVL3 and 3.5 in the layout with code of their own. */
const internvl = (llm: object): object => ({
  architectures: ["InternVLChatModel"],
  auto_map: {
    AutoConfig: "configuration_internvl_chat.InternVLChatConfig",
    AutoModel: "modeling_internvl_chat.InternVLChatModel",
  },
  model_type: "internvl_chat",
  torch_dtype: "bfloat16",
  downsample_ratio: 0.5,
  ps_version: "v2",
  select_layer: -1,
  template: "internvl2_5",
  force_image_size: 448,
  dynamic_image_size: true,
  use_thumbnail: true,
  min_dynamic_patch: 1,
  max_dynamic_patch: 12,
  pad2square: false,
  tie_word_embeddings: false,
  llm_config: llm,
  vision_config: INTERNVIT,
});

const QWEN = {
  rope_theta: 1000000,
  rms_norm_eps: 1e-6,
  hidden_act: "silu",
  bos_token_id: 151643,
  eos_token_id: 151643,
  tie_word_embeddings: false,
};

/** Qwen2.5 as InternVL3 has it: nine tokens more than its own tokenizer, and rotary positions that would stretch. */
const qwen2 = (sizes: object): object => ({
  architectures: ["Qwen2ForCausalLM"],
  model_type: "qwen2",
  vocab_size: 151674,
  max_position_embeddings: 32768,
  rope_scaling: { factor: 2, rope_type: "dynamic", type: "dynamic" },
  ...QWEN,
  ...sizes,
});

const qwen3 = (sizes: object): object => ({
  architectures: ["Qwen3ForCausalLM"],
  model_type: "qwen3",
  vocab_size: 151936,
  max_position_embeddings: 40960,
  head_dim: 128,
  attention_bias: false,
  num_hidden_layers: 28,
  num_attention_heads: 16,
  num_key_value_heads: 8,
  ...QWEN,
  ...sizes,
});

/** config.json of FlashVL-2B-Dynamic: AIMv2-huge at 448 px, FlashVL's adapter and Qwen2.5 1.5B. */
const DYNAMIC = {
  architectures: ["FlashVLDynamic"],
  auto_map: {
    AutoConfig: "configuration_FlashVLDynamic.FlashVLDynamicConfig",
    AutoModel: "modeling_FlashVLDynamic.FlashVLDynamic",
  },
  model_type: "FlashVLDynamicConfig",
  torch_dtype: "bfloat16",
  image_token_num: 256,
  intermediate_size: 7168,
  llm_config: STATIC.llm_config,
  vision_config: {
    architectures: ["AIMv2Model"],
    model_type: "aimv2",
    hidden_size: 1536,
    intermediate_size: 4096,
    num_hidden_layers: 24,
    num_attention_heads: 12,
    num_channels: 3,
    image_size: 448,
    patch_size: 14,
    rms_norm_eps: 1e-5,
    qkv_bias: false,
    use_bias: false,
    proj_output_dim: 1536,
  },
};

/** config.json by the name of the model. The GRPO model differs from the static one in its weights only. */
export const PUBLISHED_CONFIGS: Readonly<Record<string, object>> = {
  "FlashVL-2B-Static": STATIC,
  "FlashVL-2B-Static-GRPO": { ...STATIC, use_cache: false },
  "FlashVL-2B-Dynamic": DYNAMIC,
  "InternVL3-1B": internvl(
    qwen2({
      hidden_size: 896,
      intermediate_size: 4864,
      num_hidden_layers: 24,
      num_attention_heads: 14,
      num_key_value_heads: 2,
    }),
  ),
  "InternVL3-2B": internvl(
    qwen2({
      hidden_size: 1536,
      intermediate_size: 8960,
      num_hidden_layers: 28,
      num_attention_heads: 12,
      num_key_value_heads: 2,
    }),
  ),
  "InternVL3.5-1B": internvl(qwen3({ hidden_size: 1024, intermediate_size: 3072 })),
  "InternVL3.5-2B": internvl(qwen3({ hidden_size: 2048, intermediate_size: 6144 })),
};
