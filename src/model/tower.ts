/** @file The SigLIP2 vision tower: a picture to one vector per patch. */

import { add, geluTanh, layerNorm, linear, reshape, scoped, transpose, type Value } from "../graph/index.ts";
import type { FlashVLConfig } from "./config.ts";
import type { Parameters } from "./parameters.ts";

/** How queries, keys and values [batch, seq, heads·dim] become attention outputs of the same shape. */
export type Attend = (layer: number, q: Value, k: Value, v: Value) => Value;

/** Pixels [n, 3, size, size] as one row per patch [n, patches, 3·patch²], patches row by row. */
function patches(pixels: Value, size: number, patch: number): Value {
  const n = pixels.shape[0]!;
  const grid = size / patch;
  const split = reshape(pixels, [n, 3, grid, patch, grid, patch]);
  return reshape(transpose(split, [0, 2, 4, 1, 3, 5]), [n, grid * grid, 3 * patch * patch]);
}

/**
 * pixels float32 [n, 3, size, size] → [n, patches, hidden], after the post norm.
 * Architecture: SigLIP (transformers, modeling_siglip.py): pre-norm blocks, learned positions, GELU by tanh.
 */
export function tower(p: Parameters, { vision: c }: FlashVLConfig, pixels: Value, attend: Attend): Value {
  const dense = (name: string, x: Value) => linear(x, p.get(`${name}.weight`), p.get(`${name}.bias`));
  const norm = (name: string, x: Value) => layerNorm(x, p.get(`${name}.weight`), p.get(`${name}.bias`), c.normEpsilon);
  return scoped("tower", () => {
    const kernel = p.get("vit.embeddings.patch_embedding.weight");
    const flat = reshape(kernel, [c.hiddenSize, 3 * c.patchSize ** 2]);
    const embedded = linear(
      patches(pixels, c.imageSize, c.patchSize),
      flat,
      p.get("vit.embeddings.patch_embedding.bias"),
    );
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
}
