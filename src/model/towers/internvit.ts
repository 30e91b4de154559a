/** @file The InternViT vision tower: a class token in front, layers whose halves are scaled by channel, no norm at the end. */

import { add, gelu, layerNorm, linear, mul, pad, scoped, slice, type Value } from "../../graph/index.ts";
import { layerNormTensors, linearTensors, repeated, tensor } from "../parameters.ts";
import { embedPatches, type Tower } from "./tower.ts";

/** Architecture: OpenGVLab/InternVL, modeling_intern_vit.py. */
export const internvit: Tower = {
  tensors(v) {
    const d = v.hiddenSize;
    const patches = (v.imageSize / v.patchSize) ** 2;
    return [
      tensor("vit.embeddings.class_embedding", [1, 1, d], "token"),
      tensor("vit.embeddings.patch_embedding.weight", [d, 3, v.patchSize, v.patchSize], "patches"),
      tensor("vit.embeddings.patch_embedding.bias", [d], "bias"),
      tensor("vit.embeddings.position_embedding", [1, patches + 1, d], "positions"),
      ...repeated(v.layers, (i) => {
        const at = `vit.encoder.layers.${i}`;
        return [
          ...layerNormTensors(`${at}.layer_norm1`, d),
          ...["q_proj", "k_proj", "v_proj", "out_proj"].flatMap((p) => linearTensors(`${at}.self_attn.${p}`, d, d)),
          tensor(`${at}.scale1`, [d], "scale"),
          ...layerNormTensors(`${at}.layer_norm2`, d),
          ...linearTensors(`${at}.mlp.fc1`, v.intermediateSize, d),
          ...linearTensors(`${at}.mlp.fc2`, d, v.intermediateSize),
          tensor(`${at}.scale2`, [d], "scale"),
        ];
      }),
    ];
  },
  build(p, c, pixels, attend) {
    const dense = (name: string, x: Value) => linear(x, p.get(`${name}.weight`), p.get(`${name}.bias`));
    const norm = (name: string, x: Value) =>
      layerNorm(x, p.get(`${name}.weight`), p.get(`${name}.bias`), c.normEpsilon);
    const patches = (c.imageSize / c.patchSize) ** 2;
    return scoped("tower", () => {
      const patch = "vit.embeddings.patch_embedding";
      const embedded = embedPatches(c, pixels, p.get(`${patch}.weight`), p.get(`${patch}.bias`));
      // The class token stands in row 0, where the padded patches are zero.
      const token = pad(p.get("vit.embeddings.class_embedding"), 1, 0, patches);
      let x = add(pad(embedded, 1, 1, 0), add(p.get("vit.embeddings.position_embedding"), token));
      for (let i = 0; i < c.layers; i++)
        x = scoped(`layers.${i}`, () => {
          const at = `vit.encoder.layers.${i}`;
          const h = norm(`${at}.layer_norm1`, x);
          const [q, k, v] = ["q_proj", "k_proj", "v_proj"].map((name) => dense(`${at}.self_attn.${name}`, h));
          const mixed = dense(`${at}.self_attn.out_proj`, attend(i, q!, k!, v!));
          const attended = add(x, mul(mixed, p.get(`${at}.scale1`)));
          const inner = gelu(dense(`${at}.mlp.fc1`, norm(`${at}.layer_norm2`, attended)));
          return add(attended, mul(dense(`${at}.mlp.fc2`, inner), p.get(`${at}.scale2`)));
        });
      return slice(x, 1, 1, patches + 1);
    });
  },
};
