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

/** config.json by the name of the model. The GRPO model differs from the static one in its weights only. */
export const PUBLISHED_CONFIGS: Readonly<Record<string, object>> = {
  "FlashVL-2B-Static": STATIC,
  "FlashVL-2B-Static-GRPO": { ...STATIC, use_cache: false },
};
