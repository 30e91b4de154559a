/** @file Log-probabilities of chosen next tokens: only labelled rows reach the LM head, a chunk of rows at a time. */

import {
  argMax,
  cast,
  concat,
  equal,
  exp,
  gather,
  logProbOf,
  logSoftmax,
  mul,
  neg,
  reduceSum,
  scoped,
  slice,
  stopGradient,
  type Value,
} from "../../graph/index.ts";
import { lmHead, type Parameters } from "../../model/index.ts";

export interface TokenLogProbs {
  /** log p(target), [labels]. */
  readonly logProbs: Value;
  /** 1 where the target is the most likely token, [labels]. */
  readonly correct: Value;
  /** -Σ p·log p over the vocabulary, [labels], where asked for. */
  readonly entropy?: Value;
}

export interface TokenLogProbsOptions {
  /** Rows per product with the vocabulary: [chunk, vocabulary] is the largest array. Divides the number of labels. */
  readonly chunk: number;
  /** Scalar factor on the logits: 1/temperature. */
  readonly scale?: Value;
  readonly entropy?: boolean;
}

function entropyOf(logits: Value): Value {
  const logP = logSoftmax(stopGradient(logits));
  return neg(reduceSum(mul(exp(logP), logP), [-1]));
}

/**
 * log p(target) for each labelled row. hidden [tokens, hidden], rows and targets int64 [labels].
 * @throws RangeError when the labels do not divide into chunks
 */
export function tokenLogProbs(
  p: Parameters,
  hidden: Value,
  rows: Value,
  targets: Value,
  options: TokenLogProbsOptions,
): TokenLogProbs {
  const { chunk, scale, entropy = false } = options;
  const labels = rows.shape[0] as number;
  if (labels % chunk !== 0) throw new RangeError(`${labels} labels do not divide into chunks of ${chunk}`);
  const picked = gather(hidden, rows); // [labels, hidden]
  const parts = Array.from({ length: labels / chunk }, (_, i) =>
    scoped(`head_chunk.${i}`, () => {
      const [from, to] = [i * chunk, (i + 1) * chunk];
      const raw = lmHead(p, slice(picked, 0, from, to));
      const logits = scale ? mul(raw, scale) : raw;
      const chosen = slice(targets, 0, from, to);
      const logProbs = logProbOf(logits, chosen);
      const correct = cast(equal(argMax(logits), chosen), "float32");
      return { logProbs, correct, entropy: entropy ? entropyOf(logits) : undefined };
    }),
  );
  return {
    logProbs: concat(
      parts.map((x) => x.logProbs),
      0,
    ),
    correct: concat(
      parts.map((x) => x.correct),
      0,
    ),
    entropy: entropy
      ? concat(
          parts.map((x) => x.entropy!),
          0,
        )
      : undefined,
  };
}
