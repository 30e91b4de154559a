import { expect, test } from "vitest";
import { parseConfig } from "../model/index.ts";
import { defaultPreset } from "./presets.ts";

/** A config of so many decoder layers of 7 · 10⁶ parameters, and a small rest. */
const withLayers = (layers: number) =>
  parseConfig({
    vision_config: {
      hidden_size: 64,
      intermediate_size: 128,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      image_size: 64,
      patch_size: 16,
      layer_norm_eps: 1e-6,
      hidden_act: "gelu_pytorch_tanh",
    },
    llm_config: {
      vocab_size: 1000,
      hidden_size: 1024,
      intermediate_size: 1536,
      num_hidden_layers: layers,
      num_attention_heads: 8,
      num_key_value_heads: 4,
      max_position_embeddings: 2048,
      rms_norm_eps: 1e-6,
      rope_theta: 1e6,
      tie_word_embeddings: true,
      eos_token_id: 1,
    },
    intermediate_size: 128,
    image_token_num: 4,
  });

test("models above 500 million parameters open as auto where nobody says otherwise, smaller ones in float32", () => {
  expect([1, 60, 80].map((layers) => defaultPreset(withLayers(layers)))).toEqual(["fp32", "fp32", "auto"]);
});
