/** @file Graphs that work on the KV cache where only a device can reach it: moving rows of it, and reading keys. */
import { cast, type GraphOutputs, gather, input, replaceRows, type Value } from "../graph/index.ts";
import type { DecoderConfig } from "./config.ts";
import type { CacheType } from "./inference-graphs.ts";

/** A cache tensor [slots, kvHeads, capacity, headDim] seen as rows of one token and head each. */
const rows = (name: string, type: CacheType, of: string, { headDim }: DecoderConfig): Value =>
  input(name, type, [of, headDim]);

/**
 * Copies rows of `source.{i}` [sources, headDim] to rows of `target.{i}` [targets, headDim], for the keys (even i) and values
 * (odd i) of every layer: row `from`[j] becomes row `to`[j, 0]. Output `moved.{i}` is bound to its target's memory.
 */
export function moveRowsGraph(config: DecoderConfig, type: CacheType): GraphOutputs {
  const from = input("from", "int64", ["rows"]);
  const to = input("to", "int64", ["rows", 1]);
  const moved = Array.from({ length: 2 * config.layers }, (_, i): [string, Value] => {
    const target = rows(`target.${i}`, type, "targets", config);
    return [`moved.${i}`, replaceRows(target, to, gather(rows(`source.${i}`, type, "sources", config), from))];
  });
  return Object.fromEntries(moved);
}

/** Output `read.{i}` float32 [rows, headDim]: the rows `from` of each layer's keys `source.{i}`. */
export function readKeysGraph(config: DecoderConfig, type: CacheType): GraphOutputs {
  const from = input("from", "int64", ["rows"]);
  const read = Array.from({ length: config.layers }, (_, i): [string, Value] => [
    `read.${i}`,
    cast(gather(rows(`source.${i}`, type, "sources", config), from), "float32"),
  ]);
  return Object.fromEntries(read);
}
