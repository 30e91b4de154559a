/** @file Additional outputs of a decoder step: maxima of blocks of logits, and the queries of its attention. */

import {
  blockMaxima,
  cast,
  concat,
  type GraphOutputs,
  gather,
  input,
  reduceMax,
  reshape,
  slice,
  type Value,
} from "../graph/index.ts";
import { cacheNames, type DecoderConfig } from "../model/index.ts";
import type { Kernels } from "./quantize/scheme.ts";

/** Logits per block whose maximum is an output. */
export const PEAK_BLOCK = 1024;

/** Adds output `peaks` [rows, vocabulary / 1024, rounded up]: the maximum of every 1024 logits of a row. */
export const withPeaks = (outputs: GraphOutputs, kernels: Kernels): GraphOutputs => ({
  ...outputs,
  peaks: kernels === "native" ? blockMaxima(outputs.logits!, PEAK_BLOCK) : plainMaxima(outputs.logits!),
});

/** The maximum of every whole block, and of the rest. */
function plainMaxima(logits: Value): Value {
  const [rows, vocabulary] = logits.shape as [string, number];
  const stretches = Math.floor(vocabulary / PEAK_BLOCK);
  const whole = stretches * PEAK_BLOCK;
  const parts: Value[] = [];
  if (whole > 0) {
    const first = whole === vocabulary ? logits : slice(logits, 1, 0, whole);
    parts.push(reduceMax(reshape(first, [rows, stretches, PEAK_BLOCK]), [2]));
  }
  if (whole < vocabulary) parts.push(reduceMax(slice(logits, 1, whole, vocabulary), [1], true));
  return concat(parts, 1);
}

/** Name of layer `i`'s queries among the outputs. */
export const queryName = (i: number): string => `query.${i}`;

/**
 * Adds to a decoder step, after all other passes: input `query_rows` int64 [queries], which of the batch·seq tokens to
 * return queries for, usually none; outputs `query.{i}` [queries, width], the input of layer i's attention for them. The first
 * heads·headDim numbers of a row are the query before rotation; keys and values may follow where they are one product.
 * With no rows it costs nothing: no weights, no copies.
 * @example withQueries(decoderGraph(config), config.decoder)["query.0"]
 */
export function withQueries(outputs: GraphOutputs, { layers }: DecoderConfig): GraphOutputs {
  const rows = input("query_rows", "int64", ["queries"]);
  const queries = Array.from({ length: layers }, (_, i): [string, Value] => {
    const query = outputs[cacheNames(i).presentKey]!.node.inputs[0]!;
    return [queryName(i), cast(gather(reshape(query, ["tokens", query.shape.at(-1)!]), rows), "float32")];
  });
  return { ...outputs, ...Object.fromEntries(queries) };
}
