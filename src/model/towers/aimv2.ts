/** @file The AIMv2 vision tower: RMSNorm, also on the patches, learned positions, gated layers without biases. */

import { add, linear, mul, rmsNorm, scoped, silu, type Value } from "../../graph/index.ts";
import { linearTensors, repeated, tensor } from "../parameters.ts";
import { embedPatches, type Tower } from "./tower.ts";

/** Architecture: apple/ml-aim, aim-v2/aim/v2/torch/models.py. */
export const aimv2: Tower = {
  tensors(v) {
    const d = v.hiddenSize;
    return [
      tensor("vit.embeddings.patch_embedding.weight", [d, 3, v.patchSize, v.patchSize], "patches"),
      tensor("vit.embeddings.patch_embedding.bias", [d], "bias"),
      tensor("vit.embeddings.norm.weight", [d], "norm"),
      tensor("vit.embeddings.position_embedding", [1, (v.imageSize / v.patchSize) ** 2, d], "positions"),
      ...repeated(v.layers, (i) => {
        const at = `vit.encoder.layers.${i}`;
        return [
          tensor(`${at}.layer_norm1.weight`, [d], "norm"),
          ...["q_proj", "k_proj", "v_proj", "out_proj"].flatMap((p) =>
            linearTensors(`${at}.self_attn.${p}`, d, d, false),
          ),
          tensor(`${at}.layer_norm2.weight`, [d], "norm"),
          ...linearTensors(`${at}.mlp.gate_proj`, v.intermediateSize, d, false),
          ...linearTensors(`${at}.mlp.up_proj`, v.intermediateSize, d, false),
          ...linearTensors(`${at}.mlp.down_proj`, d, v.intermediateSize, false),
        ];
      }),
      tensor("vit.post_layernorm.weight", [d], "norm"),
    ];
  },
  build(p, c, pixels, attend) {
    const dense = (name: string, x: Value) => linear(x, p.get(`${name}.weight`));
    const norm = (name: string, x: Value) => rmsNorm(x, p.get(`${name}.weight`), c.normEpsilon);
    return scoped("tower", () => {
      const patch = "vit.embeddings.patch_embedding";
      const embedded = embedPatches(c, pixels, p.get(`${patch}.weight`), p.get(`${patch}.bias`));
      let x = add(norm("vit.embeddings.norm", embedded), p.get("vit.embeddings.position_embedding"));
      for (let i = 0; i < c.layers; i++)
        x = scoped(`layers.${i}`, () => {
          const at = `vit.encoder.layers.${i}`;
          const h = norm(`${at}.layer_norm1`, x);
          const [q, k, v] = ["q_proj", "k_proj", "v_proj"].map((name) => dense(`${at}.self_attn.${name}`, h));
          const attended = add(x, dense(`${at}.self_attn.out_proj`, attend(i, q!, k!, v!)));
          const m = norm(`${at}.layer_norm2`, attended);
          const inner = mul(silu(dense(`${at}.mlp.gate_proj`, m)), dense(`${at}.mlp.up_proj`, m));
          return add(attended, dense(`${at}.mlp.down_proj`, inner));
        });
      return norm("vit.post_layernorm", x);
    });
  },
};
