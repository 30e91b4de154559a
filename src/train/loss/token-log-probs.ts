/** @file Log-probabilities of chosen next tokens: only labelled rows reach the LM head, a chunk of rows at a time. */

import {
  argMax,
  cast,
  concat,
  equal,
  exp,
  gather,
  log,
  logProbOf,
  logSoftmax,
  mul,
  neg,
  reduceMean,
  reduceSum,
  scalar,
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
  /** Of the whole vocabulary at each token, without gradients, [labels], where asked for. */
  readonly measures: Readonly<Partial<Record<TokenMeasure, Value>>>;
}

/** "entropy": -Σ p·log p · "mean_logit": mean of the logits · "alignment": log Σ p². */
export type TokenMeasure = keyof typeof MEASURES;

export interface TokenLogProbsOptions {
  /** Rows per product with the vocabulary: [chunk, vocabulary] is the largest array. Divides the number of labels. */
  readonly chunk: number;
  /** Scalar factor on the logits: 1/temperature. */
  readonly scale?: Value;
  readonly measures?: readonly TokenMeasure[];
}

/** Of logits and log p, [rows, vocabulary]. */
const MEASURES = {
  entropy: (_: Value, logP: Value) => neg(reduceSum(mul(exp(logP), logP), [-1])),
  mean_logit: (logits: Value) => reduceMean(logits, [-1]),
  alignment: (_: Value, logP: Value) => log(reduceSum(exp(mul(logP, scalar(2))), [-1])),
};

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
  const { chunk, scale, measures = [] } = options;
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
      if (measures.length === 0) return { logProbs, correct };
      const fixed = stopGradient(logits);
      const logP = logSoftmax(fixed);
      return { logProbs, correct, ...Object.fromEntries(measures.map((m) => [m, MEASURES[m](fixed, logP)])) };
    }),
  ) as Readonly<Record<string, Value>>[];
  const joined = (name: string): Value =>
    concat(
      parts.map((part) => part[name]!),
      0,
    );
  return {
    logProbs: joined("logProbs"),
    correct: joined("correct"),
    measures: Object.fromEntries(measures.map((m) => [m, joined(m)])),
  };
}
