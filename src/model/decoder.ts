/** @file The Qwen2 decoder: embeddings to hidden states, hidden states to logits. */

import { add, linear, mul, rmsNorm, scoped, silu, type Value } from "../graph/index.ts";
import type { FlashVLConfig } from "./config.ts";
import type { Parameters } from "./parameters.ts";
import type { Attend } from "./tower.ts";

/**
 * Embeddings [batch, seq, hidden] → hidden states after the final norm, same shape. `attend` applies rotary positions and
 * causal attention: over a cache when generating, over the whole sequence when training.
 * Architecture: Qwen2 (transformers, modeling_qwen2.py): RMSNorm before each half, biases on q, k, v only, SwiGLU.
 */
export function decoder(p: Parameters, { decoder: c }: FlashVLConfig, embeds: Value, attend: Attend): Value {
  const norm = (name: string, x: Value) => rmsNorm(x, p.get(`${name}.weight`), c.normEpsilon);
  return scoped("decoder", () => {
    let x = embeds;
    for (let i = 0; i < c.layers; i++)
      x = scoped(`layers.${i}`, () => {
        const at = `llm.model.layers.${i}`;
        const project = (name: string, h: Value) =>
          linear(h, p.get(`${at}.self_attn.${name}.weight`), p.get(`${at}.self_attn.${name}.bias`));
        const bare = (name: string, h: Value) => linear(h, p.get(`${at}.${name}.weight`));
        const h = norm(`${at}.input_layernorm`, x);
        const attended = attend(i, project("q_proj", h), project("k_proj", h), project("v_proj", h));
        const mid = add(x, bare("self_attn.o_proj", attended));
        const m = norm(`${at}.post_attention_layernorm`, mid);
        return add(mid, bare("mlp.down_proj", mul(silu(bare("mlp.gate_proj", m)), bare("mlp.up_proj", m))));
      });
    return norm("llm.model.norm", x);
  });
}

/** Hidden rows [rows, hidden] → logits [rows, vocabulary]. */
export const lmHead = (p: Parameters, rows: Value): Value => scoped("lm_head", () => linear(rows, p.head));
