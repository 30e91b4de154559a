/** @file The two graphs that answering needs: pictures to tokens, and new embeddings plus cache to logits plus cache. */

import { type GraphOutputs, gather, input, reshape, type Value } from "../graph/index.ts";
import { cachedAttend, fusedAttend } from "./attend.ts";
import type { ModelConfig } from "./config.ts";
import { decoder, lmHead } from "./decoders/qwen.ts";
import { connect, parametersOf, tower } from "./families/index.ts";
import { ropeTables } from "./rope.ts";

/**
 * Input `pixels` float32 [images, 3, size, size]; outputs `features` [images, windowTokens, decoder hidden], and with
 * `{ hidden: true }` also `hidden` [images, patches, vision hidden], the tower's own output.
 */
export function visionGraph(config: ModelConfig, { hidden = false } = {}): GraphOutputs {
  const p = parametersOf(config);
  const size = config.vision.imageSize;
  const pixels = input("pixels", "float32", ["images", 3, size, size]);
  const seen = tower(p, config, pixels, fusedAttend(config.vision));
  return { features: connect(p, config, seen), ...(hidden ? { hidden: seen } : {}) };
}

/** What keys and values are kept in: half the bytes, or all bits. Everything is computed in float32 with either. */
export type CacheType = "float16" | "float32";

/** Names of layer `i`'s cache tensors in the decoder graph. */
export const cacheNames = (i: number) => ({
  pastKey: `past.${i}.key`,
  pastValue: `past.${i}.value`,
  presentKey: `present.${i}.key`,
  presentValue: `present.${i}.value`,
});

/**
 * One step of the decoder over a cache, for any number of new tokens per row (prefill, decoding, verification of drafts).
 *
 * Inputs: `embeds` float32 [batch, seq, hidden] · `last_positions` int32 [batch] (tokens per row after the step, minus 1)
 * · `total_length` int32 scalar (largest of them plus 1) · `logit_rows` int64 [rows] (which of the batch·seq tokens need
 * logits) · `past.{i}.key|value` float32 [batch, kvHeads, past, headDim].
 * Outputs: `logits` [rows, vocabulary] · `present.{i}.key|value`, which may be bound to the same buffers as the past.
 */
export function decoderGraph(config: ModelConfig): GraphOutputs {
  const p = parametersOf(config);
  const c = config.decoder;
  const embeds = input("embeds", "float32", ["batch", "seq", c.hiddenSize]);
  const lastPositions = input("last_positions", "int32", ["batch"]);
  const totalLength = input("total_length", "int32", []);
  const logitRows = input("logit_rows", "int64", ["rows"]);
  const { cos, sin } = ropeTables(c, c.maxPositions);
  const present: Record<string, Value> = {};
  const cacheShape = ["batch", c.kvHeads, "past", c.headDim];
  const attend = cachedAttend(
    c,
    (i) => ({
      pastKey: input(cacheNames(i).pastKey, "float32", cacheShape),
      pastValue: input(cacheNames(i).pastValue, "float32", cacheShape),
      lastPositions,
      totalLength,
      cos,
      sin,
    }),
    (i, key, value) => {
      present[cacheNames(i).presentKey] = key;
      present[cacheNames(i).presentValue] = value;
    },
  );
  const hidden = decoder(p, config, embeds, attend);
  const rows = gather(reshape(hidden, ["tokens", c.hiddenSize]), logitRows);
  return { logits: lmHead(p, rows), ...present };
}
