/** @file The Qwen2 and Qwen3 decoders: embeddings to hidden states, hidden states to logits. */

import { add, linear, mul, reshape, rmsNorm, scoped, silu, type Value } from "../../graph/index.ts";
import type { Attend } from "../attend.ts";
import type { DecoderConfig, ModelConfig } from "../config.ts";
import { linearTensors, type Parameters, repeated, type Tensor, tensor } from "../parameters.ts";

const EMBEDDINGS = "llm.model.embed_tokens.weight";

export function decoderTensors(l: DecoderConfig): Tensor[] {
  const d = l.hiddenSize;
  const [q, kv] = [l.heads * l.headDim, l.kvHeads * l.headDim];
  return [
    tensor(EMBEDDINGS, [l.vocabSize, d], "embeddings"),
    ...repeated(l.layers, (i) => {
      const at = `llm.model.layers.${i}`;
      return [
        tensor(`${at}.input_layernorm.weight`, [d], "norm"),
        ...linearTensors(`${at}.self_attn.q_proj`, q, d, l.qkvBias),
        ...linearTensors(`${at}.self_attn.k_proj`, kv, d, l.qkvBias),
        ...linearTensors(`${at}.self_attn.v_proj`, kv, d, l.qkvBias),
        ...(l.qkNorm
          ? ["q_norm", "k_norm"].map((n) => tensor(`${at}.self_attn.${n}.weight`, [l.headDim], "norm"))
          : []),
        ...linearTensors(`${at}.self_attn.o_proj`, d, q, false),
        tensor(`${at}.post_attention_layernorm.weight`, [d], "norm"),
        ...linearTensors(`${at}.mlp.gate_proj`, l.intermediateSize, d, false),
        ...linearTensors(`${at}.mlp.up_proj`, l.intermediateSize, d, false),
        ...linearTensors(`${at}.mlp.down_proj`, d, l.intermediateSize, false),
      ];
    }),
    tensor("llm.model.norm.weight", [d], "norm"),
    ...(l.tiedHead ? [] : [tensor("llm.lm_head.weight", [l.vocabSize, d], "head")]),
  ];
}

/**
 * Embeddings [batch, seq, hidden] → hidden states after the final norm, same shape. `attend` applies rotary positions and
 * causal attention: over a cache when generating, over the whole sequence when training.
 * Architecture: Qwen2 and Qwen3 (transformers, modeling_qwen2.py, modeling_qwen3.py): RMSNorm before each half, SwiGLU; Qwen2
 * has biases on q, k and v, Qwen3 norms on the heads of q and k.
 */
export function decoder(p: Parameters, { decoder: c }: ModelConfig, embeds: Value, attend: Attend): Value {
  const norm = (name: string, x: Value) => rmsNorm(x, p.get(`${name}.weight`), c.normEpsilon);
  return scoped("decoder", () => {
    let x = embeds;
    for (let i = 0; i < c.layers; i++)
      x = scoped(`layers.${i}`, () => {
        const at = `llm.model.layers.${i}`;
        const project = (name: string, h: Value) =>
          linear(
            h,
            p.get(`${at}.self_attn.${name}.weight`),
            c.qkvBias ? p.get(`${at}.self_attn.${name}.bias`) : undefined,
          );
        const normed = (name: string, rows: Value) =>
          c.qkNorm ? perHead(rows, c.headDim, (heads) => norm(`${at}.self_attn.${name}`, heads)) : rows;
        const bare = (name: string, h: Value) => linear(h, p.get(`${at}.${name}.weight`));
        const h = norm(`${at}.input_layernorm`, x);
        const attended = attend(
          i,
          normed("q_norm", project("q_proj", h)),
          normed("k_norm", project("k_proj", h)),
          project("v_proj", h),
        );
        const mid = add(x, bare("self_attn.o_proj", attended));
        const m = norm(`${at}.post_attention_layernorm`, mid);
        return add(mid, bare("mlp.down_proj", mul(silu(bare("mlp.gate_proj", m)), bare("mlp.up_proj", m))));
      });
    return finalNorm(p, c, x);
  });
}

/** Rows [batch, seq, heads·dim], changed head by head: as [batch, seq, heads, dim]. */
function perHead(rows: Value, dim: number, change: (heads: Value) => Value): Value {
  const [batch, seq, width] = rows.shape as [number | string, number | string, number];
  return reshape(change(reshape(rows, [batch, seq, width / dim, dim])), [batch, seq, width]);
}

/** The norm that hidden states pass before the head. */
export const finalNorm = (p: Parameters, c: DecoderConfig, x: Value): Value =>
  rmsNorm(x, p.get("llm.model.norm.weight"), c.normEpsilon);

/** The table of token embeddings [vocabulary, hidden]. */
export const embeddings = (p: Parameters): Value => p.get(EMBEDDINGS);

/** Hidden rows [rows, hidden] → logits [rows, vocabulary]. */
export const lmHead = (p: Parameters, rows: Value): Value => scoped("lm_head", () => linear(rows, p.head));
