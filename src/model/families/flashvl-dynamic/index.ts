/** @file FlashVL dynamic: AIMv2 over tiles, FlashVL's adapter, Qwen2.5; and the same with implicit semantic stitching. */

import { CHATML, type PreprocessorRules } from "../../../processor/core.ts";
import type { ModelConfig } from "../../config.ts";
import { adapter } from "../../connectors/adapter.ts";
import { stitchedAdapter } from "../../connectors/stitched-adapter.ts";
import type { ConfigFacts, Family } from "../../family.ts";
import { tiledPlan } from "../../pictures/tiles.ts";
import { byRules } from "../../stored-tensors.ts";
import { aimv2 } from "../../towers/aimv2.ts";
import { SYSTEM_PROMPTS, TOKEN_ORDERS } from "../hypotheses.ts";
import { ISS_FORMS, stitchedPlan } from "../stitching.ts";

/** Apple's names behind "vit."; queries, keys and values are one tensor. */
const fileNames = byRules([
  [/^vit\.embeddings\.patch_embedding\./, "vit.preprocessor.patchifier.proj."],
  [/^vit\.embeddings\.norm\./, "vit.preprocessor.patchifier.norm."],
  [/^vit\.embeddings\.position_embedding$/, "vit.preprocessor.pos_embed"],
  [/^vit\.encoder\.layers\.(\d+)\.self_attn\.[qkv]_proj\./, "vit.trunk.blocks.$1.attn.qkv."],
  [/^vit\.encoder\.layers\.(\d+)\.self_attn\.out_proj\./, "vit.trunk.blocks.$1.attn.proj."],
  [/^vit\.encoder\.layers\.(\d+)\.layer_norm/, "vit.trunk.blocks.$1.norm_"],
  [/^vit\.encoder\.layers\.(\d+)\.mlp\.gate_proj\./, "vit.trunk.blocks.$1.mlp.fc1."],
  [/^vit\.encoder\.layers\.(\d+)\.mlp\.up_proj\./, "vit.trunk.blocks.$1.mlp.fc3."],
  [/^vit\.encoder\.layers\.(\d+)\.mlp\.down_proj\./, "vit.trunk.blocks.$1.mlp.fc2."],
  [/^vit\.post_layernorm\./, "vit.trunk.post_trunk_norm."],
  [/^(adp|llm)\./, "$1."],
]);

/** CLIP's mean and deviation and a bicubic filter, as apple's preprocessor_config.json has them. */
const preprocessing = ({ vision }: ModelConfig): PreprocessorRules => ({
  size: vision.imageSize,
  resample: "bicubic",
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
  tiled: true,
});

/** How several tiles are written was not published: their slots follow each other, as one picture's. */
const shared = {
  parts: { vision: "vision_config", decoder: "llm_config", adapter: "intermediate_size" },
  tower: aimv2,
  fileNames: () => fileNames,
  preprocessing,
  dialect: () => CHATML,
  generation: { maxNewTokens: 256 },
  hypotheses: ({ connector }) => ({
    ...(connector.stitching ? { iss: ISS_FORMS } : { tokenOrder: TOKEN_ORDERS }),
    maxTiles: [6, 1, 12],
    thumbnail: [true, false],
    systemPrompt: SYSTEM_PROMPTS,
  }),
  assumed: [
    "tiles by InternVL's rule, at most 6 (maxTiles), with a thumbnail (thumbnail)",
    "tiles row by row, the thumbnail last; the slots of all tiles of a picture in a row",
  ],
} satisfies Partial<Family>;

/** How many patches the adapter reads for each token, where the tower is AIMv2. */
function adapterInputs(tensors: NonNullable<ConfigFacts["tensors"]>): number | undefined {
  const width = tensors.get("vit.preprocessor.patchifier.proj.weight")?.shape[0];
  const inputs = tensors.get("adp.p0.0.weight")?.shape[0];
  return width && inputs && inputs / width;
}

export const flashvlDynamic: Family = {
  ...shared,
  name: "flashvl-dynamic",
  modelType: "FlashVLDynamicConfig",
  hasTensors: (tensors) => adapterInputs(tensors) === 4,
  plan(config, size, limits) {
    const { imageSize, patchSize } = config.vision;
    const side = imageSize / patchSize / 2;
    const grid = { columns: side, rows: side, order: config.connector.tokenOrder };
    return tiledPlan(size, { core: imageSize, frame: 0, grid }, config.tiles!, limits);
  },
  connector: adapter,
};

export const flashvlDynamicIss: Family = {
  ...shared,
  name: "flashvl-dynamic-iss",
  modelType: "FlashVLDynamicISSConfig",
  // Four where it pools, which only config.json tells from tiles without stitching.
  hasTensors: (tensors) => [1, 4].includes(adapterInputs(tensors)!),
  plan: stitchedPlan,
  connector: stitchedAdapter,
};
