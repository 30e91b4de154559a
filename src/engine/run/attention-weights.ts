/** @file Where one token looked: its query against the keys in the cache. */
import { toF32 } from "../../common/index.ts";
import { type DecoderConfig, rotaryAngles } from "../../model/index.ts";
import type { Tensor } from "../../runtime/index.ts";
import type { DecoderRunner } from "./decoder-runner.ts";

/**
 * Where the one token of a run looked: per layer, one weight per token of its slot, averaged over the heads.
 * @param run feeds the token to `slot` by the decode graph, which then holds `length` tokens
 */
export async function observeAttention(
  { queries, cache }: DecoderRunner,
  config: DecoderConfig,
  run: () => Promise<void>,
  slot: number,
  length: number,
): Promise<Float32Array[]> {
  queries.want([0]);
  try {
    await run();
    const keys = await cache.keys(slot, length);
    return queries.values.map((query, layer) => attentionWeights(query, keys[layer]!, length, config));
  } finally {
    queries.want([]);
  }
}

/**
 * softmax(q·kᵀ/√dim) over the first `length` tokens, averaged over the heads: [length], summing to 1.
 * @param query [heads·headDim] of the last of these tokens, before rotation
 * @param keys float32 or float16 [1, kvHeads, capacity, headDim], rotated, as the cache holds them
 */
function attentionWeights(query: Float32Array, keys: Tensor, length: number, config: DecoderConfig): Float32Array {
  const { heads, kvHeads, headDim } = config;
  const held = Array.from({ length: kvHeads }, (_, head) => keysOf(keys, head, length));
  const angles = rotaryAngles(config, length - 1);
  const mean = new Float32Array(length);
  const scores = new Float64Array(length);
  for (let head = 0; head < heads; head++) {
    const rotated = rotate(query.subarray(head * headDim, (head + 1) * headDim), angles);
    const own = held[Math.floor((head * kvHeads) / heads)]!;
    let most = Number.NEGATIVE_INFINITY;
    for (let token = 0; token < length; token++) {
      const at = token * headDim;
      let dot = 0;
      for (let d = 0; d < headDim; d++) dot += rotated[d]! * own[at + d]!;
      scores[token] = dot / Math.sqrt(headDim);
      most = Math.max(most, scores[token]!);
    }
    let total = 0;
    for (let token = 0; token < length; token++) total += scores[token] = Math.exp(scores[token]! - most);
    for (let token = 0; token < length; token++) mean[token]! += scores[token]! / (total * heads);
  }
  return mean;
}

/** The first `length` keys of a head, [length, headDim]. */
function keysOf({ dtype, dims, data }: Tensor, head: number, length: number): Float32Array {
  const [, , capacity, headDim] = dims as [number, number, number, number];
  const first = head * capacity * headDim;
  const keys = (data as Float32Array | Uint16Array).subarray(first, first + length * headDim);
  return toF32(new Uint8Array(keys.buffer, keys.byteOffset, keys.byteLength), dtype === "float16" ? "F16" : "F32");
}

/** Turns the pairs (i, i + half) of a head by their angles (half-split RoPE; Su et al., arXiv 2104.09864). */
function rotate(head: Float32Array, angles: Float32Array): Float32Array {
  const half = angles.length;
  const turned = new Float32Array(head.length);
  for (let i = 0; i < half; i++) {
    const [cos, sin] = [Math.cos(angles[i]!), Math.sin(angles[i]!)];
    const [a, b] = [head[i]!, head[i + half]!];
    turned[i] = a * cos - b * sin;
    turned[i + half] = b * cos + a * sin;
  }
  return turned;
}
