/** @file The names of InternVL's tensors in the two layouts of its repositories. */

import { byRules } from "../../stored-tensors.ts";

/** Repositories with code of their own: queries, keys and values of the tower are one tensor. */
export const remoteNames = byRules([
  [/^llm\./, "language_model."],
  [/^vit\.encoder\.layers\.(\d+)\.self_attn\.[qkv]_proj\./, "vision_model.encoder.layers.$1.attn.qkv."],
  [/^vit\.encoder\.layers\.(\d+)\.self_attn\.out_proj\./, "vision_model.encoder.layers.$1.attn.proj."],
  [/^vit\.encoder\.layers\.(\d+)\.layer_norm/, "vision_model.encoder.layers.$1.norm"],
  [/^vit\.encoder\.layers\.(\d+)\.scale/, "vision_model.encoder.layers.$1.ls"],
  [/^vit\./, "vision_model."],
  [/^adp\.layer_norm\./, "mlp1.0."],
  [/^adp\.linear_1\./, "mlp1.1."],
  [/^adp\.linear_2\./, "mlp1.3."],
]);

const LAYER = "vision_tower.encoder.layer.$1";
const hfNames = byRules([
  [/^llm\.lm_head\./, "lm_head."],
  [/^llm\.model\./, "language_model.model."],
  [/^vit\.embeddings\.class_embedding/, "vision_tower.embeddings.cls_token"],
  [/^vit\.embeddings\.patch_embedding\./, "vision_tower.embeddings.patch_embeddings.projection."],
  [/^vit\.embeddings\.position_embedding/, "vision_tower.embeddings.position_embeddings"],
  [/^vit\.encoder\.layers\.(\d+)\.self_attn\.([qkv]_proj)\./, `${LAYER}.attention.$2.`],
  [/^vit\.encoder\.layers\.(\d+)\.self_attn\.out_proj\./, `${LAYER}.attention.projection_layer.`],
  [/^vit\.encoder\.layers\.(\d+)\.layer_norm1\./, `${LAYER}.layernorm_before.`],
  [/^vit\.encoder\.layers\.(\d+)\.layer_norm2\./, `${LAYER}.layernorm_after.`],
  [/^vit\.encoder\.layers\.(\d+)\.scale/, `${LAYER}.lambda_`],
  [/^vit\.encoder\.layers\.(\d+)\./, `${LAYER}.`],
  [/^adp\./, "multi_modal_projector."],
]);

/**
 * Repositories for transformers' own class. Files of the first converter have the head under "language_model", those that
 * transformers writes since release 4.52 have "model." in front of all but the head.
 */
export const transformersNames =
  (has: (name: string) => boolean) =>
  (name: string): string => {
    const plain = hfNames(name);
    if (plain === "lm_head.weight")
      return has("language_model.lm_head.weight") ? "language_model.lm_head.weight" : plain;
    if (!has("model.vision_tower.embeddings.cls_token")) return plain;
    return `model.${plain.replace(/^language_model\.model\./, "language_model.")}`;
  };
