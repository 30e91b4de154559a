/** @file Log-probabilities of chosen next tokens: only labelled rows reach the LM head, a chunk of rows at a time. */

import { concat, gather, logProbOf, mul, scoped, slice, type Value } from "../../graph/index.ts";
import { lmHead, type Parameters } from "../../model/index.ts";

/**
 * log p(target) for each labelled row. hidden [tokens, hidden], rows and targets int64 [labels] → [labels].
 * @param chunk rows per product with the vocabulary: [chunk, vocabulary] is the largest array; must divide `labels`
 */
export function tokenLogProbs(
  p: Parameters,
  hidden: Value,
  rows: Value,
  targets: Value,
  chunk: number,
  scale?: Value,
): Value {
  const labels = rows.shape[0] as number;
  if (labels % chunk !== 0) throw new RangeError(`${labels} labels do not divide into chunks of ${chunk}`);
  const picked = gather(hidden, rows); // [labels, hidden]
  const parts = Array.from({ length: labels / chunk }, (_, i) =>
    scoped(`head_chunk.${i}`, () => {
      const [from, to] = [i * chunk, (i + 1) * chunk];
      const logits = lmHead(p, slice(picked, 0, from, to));
      return logProbOf(scale ? mul(logits, scale) : logits, slice(targets, 0, from, to));
    }),
  );
  return concat(parts, 0);
}
