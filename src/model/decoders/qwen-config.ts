/** @file The decoder's part of config.json, which all families share, validated. */

import { z } from "zod";
import type { DecoderConfig } from "../config.ts";
import { count, layers, multiple, tokenId, vocabulary } from "../config-limits.ts";

/** Far above any published model, and low enough that a hostile config.json cannot exhaust memory before tensors are checked. */
const MAX_POSITIONS = 2 ** 20;

/** Ways of stretching rotary positions that change nothing within the trained length, which is never left. */
const UNSTRETCHED = ["default", "dynamic"];
const ropeType = z.enum(UNSTRETCHED, {
  error: (issue) => `"${issue.input}" is not supported, expected ${UNSTRETCHED.join(" or ")}`,
});

export const decoderSchema = z.object({
  model_type: z.string().optional(),
  vocab_size: vocabulary,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: layers,
  num_attention_heads: count,
  num_key_value_heads: count.optional(),
  head_dim: count.optional(),
  max_position_embeddings: count.max(MAX_POSITIONS),
  rope_theta: z.number().positive().optional(),
  rope_parameters: z.object({ rope_theta: z.number().positive().optional(), rope_type: ropeType.optional() }).nullish(),
  rope_scaling: z.object({ type: ropeType.optional(), rope_type: ropeType.optional() }).nullish(),
  rms_norm_eps: z.number().positive().default(1e-6),
  hidden_act: z.literal("silu").default("silu"),
  tie_word_embeddings: z.boolean().optional(),
  use_sliding_window: z.literal(false).nullish(),
  attention_bias: z.boolean().nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
});

/** What the files say that config.json may leave open. */
export interface DecoderFacts {
  /** Key of the decoder's part, for messages. */
  readonly key: string;
  readonly tiedHead: boolean;
  /** Whether config.json says neither that it is Qwen3 nor that it is not. Default: it is not. */
  readonly qkNorm?: boolean;
}

/** @throws Error when sizes contradict each other */
export function readDecoder(l: z.infer<typeof decoderSchema>, { key, tiedHead, qkNorm }: DecoderFacts): DecoderConfig {
  const kvHeads = l.num_key_value_heads ?? l.num_attention_heads;
  multiple(l.num_attention_heads, kvHeads, `${key}.num_attention_heads`, "num_key_value_heads");
  const isQwen3 = qkNorm ?? l.model_type === "qwen3";
  if (!l.head_dim) multiple(l.hidden_size, l.num_attention_heads, `${key}.hidden_size`, "num_attention_heads");
  const headDim = l.head_dim ?? l.hidden_size / l.num_attention_heads;
  multiple(headDim, 2, `${key}.head_dim`, "2 (rotary halves)");
  return {
    vocabSize: l.vocab_size,
    hiddenSize: l.hidden_size,
    intermediateSize: l.intermediate_size,
    layers: l.num_hidden_layers,
    heads: l.num_attention_heads,
    kvHeads,
    headDim,
    maxPositions: l.max_position_embeddings,
    ropeTheta: l.rope_theta ?? l.rope_parameters?.rope_theta ?? 1e6,
    normEpsilon: l.rms_norm_eps,
    tiedHead,
    qkvBias: isQwen3 ? (l.attention_bias ?? false) : true,
    qkNorm: isQwen3,
    eosTokenIds: [l.eos_token_id ?? []].flat(),
  };
}
