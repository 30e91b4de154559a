/** @file FlashVL static: SigLIP2 over one square of 512 pixels, pixel shuffle and adapter, Qwen2.5. */

import { CHATML, picturePlan, square } from "../../../processor/core.ts";
import { adapter } from "../../connectors/adapter.ts";
import type { Family } from "../../family.ts";
import { layerNormTensors, linearTensors, tensor } from "../../parameters.ts";
import { siglip } from "../../towers/siglip.ts";
import { SYSTEM_PROMPTS, TOKEN_ORDERS } from "../hypotheses.ts";

export const flashvlStatic: Family = {
  name: "flashvl-static",
  modelType: "FlashVLStaticConfig",
  hasTensors: (tensors) => tensors.has("vit.embeddings.patch_embedding.weight"),
  parts: { vision: "vision_config", decoder: "llm_config", adapter: "intermediate_size" },
  /** Whatever its shape, a picture is one square. */
  plan({ vision, connector }) {
    const side = vision.imageSize / vision.patchSize / 2;
    return picturePlan([square(vision.imageSize)], { columns: side, rows: side, order: connector.tokenOrder });
  },
  preprocessing: ({ vision }) => ({
    size: vision.imageSize,
    resample: "bilinear",
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    tiled: false,
  }),
  preprocessorKeys: ({ vision: { imageSize } }) => ({
    do_convert_rgb: null,
    image_processor_type: "SiglipImageProcessor",
    processor_class: "SiglipProcessor",
    size: { height: imageSize, width: imageSize },
  }),
  fileNames: () => (name) => name,
  dialect: () => CHATML,
  // As the model card asks.
  generation: { maxNewTokens: 256 },
  hypotheses: () => ({ tokenOrder: TOKEN_ORDERS, systemPrompt: SYSTEM_PROMPTS }),
  tower: siglip,
  connector: adapter,
  /** SigLIP's pooling head, which the published files carry. */
  unused({ vision: v }) {
    const d = v.hiddenSize;
    return [
      tensor("vit.head.probe", [1, 1, d], "token"),
      tensor("vit.head.attention.in_proj_weight", [3 * d, d], "matrix"),
      tensor("vit.head.attention.in_proj_bias", [3 * d], "bias"),
      ...linearTensors("vit.head.attention.out_proj", d, d),
      ...layerNormTensors("vit.head.layernorm", d),
      ...linearTensors("vit.head.mlp.fc1", v.intermediateSize, d),
      ...linearTensors("vit.head.mlp.fc2", d, v.intermediateSize),
    ];
  },
};
