/** @file The SigLIP2 vision tower: pre-norm blocks, learned positions, GELU by tanh, a norm at the end. */

import { add, geluTanh, layerNorm, linear, scoped, type Value } from "../../graph/index.ts";
import { layerNormTensors, linearTensors, repeated, tensor } from "../parameters.ts";
import { embedPatches, type Tower } from "./tower.ts";

/** Architecture: transformers, modeling_siglip.py. */
export const siglip: Tower = {
  tensors(v) {
    const d = v.hiddenSize;
    return [
      tensor("vit.embeddings.patch_embedding.weight", [d, 3, v.patchSize, v.patchSize], "patches"),
      tensor("vit.embeddings.patch_embedding.bias", [d], "bias"),
      tensor("vit.embeddings.position_embedding.weight", [(v.imageSize / v.patchSize) ** 2, d], "positions"),
      ...repeated(v.layers, (i) => {
        const at = `vit.encoder.layers.${i}`;
        return [
          ...layerNormTensors(`${at}.layer_norm1`, d),
          ...["q_proj", "k_proj", "v_proj", "out_proj"].flatMap((p) => linearTensors(`${at}.self_attn.${p}`, d, d)),
          ...layerNormTensors(`${at}.layer_norm2`, d),
          ...linearTensors(`${at}.mlp.fc1`, v.intermediateSize, d),
          ...linearTensors(`${at}.mlp.fc2`, d, v.intermediateSize),
        ];
      }),
      ...layerNormTensors("vit.post_layernorm", d),
    ];
  },
  build(p, c, pixels, attend) {
    const dense = (name: string, x: Value) => linear(x, p.get(`${name}.weight`), p.get(`${name}.bias`));
    const norm = (name: string, x: Value) =>
      layerNorm(x, p.get(`${name}.weight`), p.get(`${name}.bias`), c.normEpsilon);
    return scoped("tower", () => {
      const patch = "vit.embeddings.patch_embedding";
      const embedded = embedPatches(c, pixels, p.get(`${patch}.weight`), p.get(`${patch}.bias`));
      let x = add(embedded, p.get("vit.embeddings.position_embedding.weight"));
      for (let i = 0; i < c.layers; i++)
        x = scoped(`layers.${i}`, () => {
          const at = `vit.encoder.layers.${i}`;
          const h = norm(`${at}.layer_norm1`, x);
          const [q, k, v] = ["q_proj", "k_proj", "v_proj"].map((name) => dense(`${at}.self_attn.${name}`, h));
          const attended = add(x, dense(`${at}.self_attn.out_proj`, attend(i, q!, k!, v!)));
          const inner = geluTanh(dense(`${at}.mlp.fc1`, norm(`${at}.layer_norm2`, attended)));
          return add(attended, dense(`${at}.mlp.fc2`, inner));
        });
      return norm("vit.post_layernorm", x);
    });
  },
};
