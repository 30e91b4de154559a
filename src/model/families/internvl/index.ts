/** @file InternVL 2.5, 3 and 3.5: InternViT over tiles, pixel shuffle and two layers, Qwen2.5 or Qwen3; two layouts of files. */

import type { Dialect, PreprocessorRules } from "../../../processor/core.ts";
import type { ModelConfig } from "../../config.ts";
import { mlp } from "../../connectors/mlp.ts";
import type { Family } from "../../family.ts";
import { tiledPlan } from "../../pictures/tiles.ts";
import { internvit } from "../../towers/internvit.ts";
import { TOKEN_ORDERS } from "../hypotheses.ts";
import { remoteNames, transformersNames } from "./names.ts";

/** The system text that the models were trained with: they are asked to be InternVL of the Shanghai AI Laboratory. */
const SYSTEM_PROMPT =
  "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。";

/** Template "internvl2_5" of OpenGVLab/InternVL, internvl/conversation.py; what is trained by internvl/train/dataset.py. */
const DIALECT: Dialect = {
  systemPrompt: SYSTEM_PROMPT,
  aroundPicture: ["<img>", "</img>"],
  newlineAfterPicture: "unless-marked",
  // Pictures stood between texts in training.
  picturesFirst: false,
  trainsNewline: false,
  // The template ends an answer; the end token of config.json is that of the base model.
  endsByConfig: false,
};

/** ImageNet's mean and deviation, and Pillow's default filter (internvl/train/constants.py, dataset.py). */
const preprocessing = ({ vision }: ModelConfig): PreprocessorRules => ({
  size: vision.imageSize,
  resample: "bicubic",
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  tiled: true,
});

const parts = {
  hypotheses: () => ({ systemPrompt: [SYSTEM_PROMPT, null], tokenOrder: TOKEN_ORDERS }),
  controlTokens: ["<img>", "</img>", "<IMG_CONTEXT>", "<quad>", "</quad>", "<ref>", "</ref>", "<box>", "</box>"],
  // As the examples of its cards.
  generation: { maxNewTokens: 1024 },
  tower: internvit,
  connector: mlp,
  vlmevalAdapter: "internvl",
  preprocessing,
  plan(config, size, limits) {
    const { vision, connector, tiles } = config;
    const side = vision.imageSize / vision.patchSize / 2;
    const grid = { columns: side, rows: side, order: connector.tokenOrder };
    return tiledPlan(size, { core: vision.imageSize, frame: 0, grid }, tiles!, limits);
  },
} satisfies Partial<Family>;

/** Repositories with code of their own. */
export const internvl: Family = {
  ...parts,
  name: "internvl",
  modelType: "internvl_chat",
  hasTensors: (tensors) => tensors.has("vision_model.embeddings.class_embedding"),
  parts: { vision: "vision_config", decoder: "llm_config" },
  fileNames: () => remoteNames,
  dialect: () => DIALECT,
};

/** Repositories ending in "-hf". Their chat template has no system text, and end tokens are those of their files. */
export const internvlTransformers: Family = {
  ...parts,
  name: "internvl-hf",
  modelType: "internvl",
  hasTensors: (tensors) =>
    tensors.has("vision_tower.embeddings.cls_token") || tensors.has("model.vision_tower.embeddings.cls_token"),
  parts: { vision: "vision_config", decoder: "text_config" },
  fileNames: transformersNames,
  preprocessorKeys: ({ vision: { imageSize }, tiles }) => ({
    crop_to_patches: true,
    do_convert_rgb: true,
    min_patches: tiles!.least,
    max_patches: tiles!.most,
    size: { height: imageSize, width: imageSize },
  }),
  dialect: () => ({ ...DIALECT, systemPrompt: null, endsByConfig: true }),
};
