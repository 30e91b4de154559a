/** @file Lets a decoder step tell its queries, from which the engine computes where a token looked. */

import { cast, gather, input, reshape, type Value } from "../graph/index.ts";
import type { DecoderConfig } from "./config.ts";
import { cacheNames, type GraphOutputs } from "./inference-graphs.ts";

/** Name of layer `i`'s queries among the outputs. */
export const queryName = (i: number): string => `query.${i}`;

/**
 * Adds to a decoder step, after all other passes: input `query_rows` int64 [queries], which of the batch·seq tokens are of
 * interest, usually none; outputs `query.{i}` [queries, width], what layer i's attention was given for them. The first
 * heads·headDim numbers of a row are the query before rotation; keys and values may follow where they are one product.
 * Without rows of interest this costs nothing: no weights, no copies.
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
