/** @file The loss of preference pairs as a graph over the log-probabilities of their tokens: one pass gives sums, loss and gradients. */

import {
  add,
  concat,
  constant,
  exp,
  logSoftmax,
  maximum,
  minimum,
  mul,
  neg,
  reduceSum,
  reshape,
  scalar,
  scatterAddRows,
  sigmoid,
  slice,
  stopGradient,
  sub,
  type Value,
} from "../../graph/index.ts";
import { type Arithmetic, type PreferenceOptions, pairLoss, sftWeight } from "./preference-terms.ts";

/**
 * Inputs [labels] say what each token is, inputs [answers] what each answer is: the chosen answers of `pairs` pairs and then the
 * rejected ones, answers = 2·pairs. Unused places carry weight 0.
 */
export interface PreferenceInputs {
  readonly logProbs: Value;
  /** log Σ p² over the vocabulary, [labels], for WPO's weights; without it every pair weighs the same. */
  readonly alignment?: Value;
  /** int64 [labels]: the answer that the token belongs to. */
  readonly answerOf: Value;
  /** [labels]: what it counts in its answer's sum, see `lengthWeights`. */
  readonly lengthWeights: Value;
  /** [labels]: 1/tokens where the token is of a chosen answer, for the term "sft"; needed with it alone. */
  readonly sftShares?: Value;
  /** [answers]: Σ log π_ref, weighted alike. */
  readonly references: Value;
  /** [answers]: 1/tokens; [labels]: the same at every token, 0 at unused places, needed with `alignment` alone. */
  readonly inverseLengths: Value;
  readonly tokenShares?: Value;
  /** [pairs]: 1/pairs of the update, 0 at unused places. */
  readonly pairWeights: Value;
  /** δ of "bco_pair", a scalar. */
  readonly shift: Value;
}

const GRAPH: Arithmetic<Value> = {
  constant: scalar,
  add,
  sub,
  mul,
  atMost: (x, limit) => minimum(x, scalar(limit)),
  relu: (x) => maximum(x, scalar(0)),
  exp,
  sigmoid,
  // Of log softmax over (x, 0): neither overflows, and its slope at 0, where every run begins, is exact.
  logSigmoid(x) {
    const n = x.shape[0] as number;
    const column = reshape(x, [n, 1]);
    const zero = constant(new Float32Array(n), "float32", [n, 1]);
    return reshape(slice(logSoftmax(concat([column, zero], 1)), 1, 0, 1), [n]);
  },
};

/**
 * loss = Σ pairs pairWeights · loss of the pair · WPO's weight − weight of "sft" · Σ tokens sftShares · log p, a scalar.
 * Same as `preferenceStep`, which has the formulae's sources.
 */
export function preferenceLoss(inputs: PreferenceInputs, options: PreferenceOptions): Value {
  const { logProbs, alignment, pairWeights } = inputs;
  const [labels, answers] = [logProbs.shape[0] as number, inputs.references.shape[0] as number];
  const pairs = answers / 2;
  /** Sum over the tokens of each answer. */
  const perAnswer = (tokens: Value): Value =>
    reshape(scatterAddRows(inputs.answerOf, reshape(tokens, [labels, 1]), [answers, 1]), [answers]);
  const ratios = sub(perAnswer(mul(logProbs, inputs.lengthWeights)), inputs.references);
  const side = (x: Value, which: 0 | 1): Value => slice(x, 0, which * pairs, (which + 1) * pairs);
  const answer = (which: 0 | 1) => ({
    logRatio: side(ratios, which),
    inverseLength: side(inputs.inverseLengths, which),
  });
  let perPair = pairLoss(GRAPH, { chosen: answer(0), rejected: answer(1), shift: inputs.shift }, options);
  if (alignment) {
    const likely = mul(sub(stopGradient(logProbs), stopGradient(alignment)), inputs.tokenShares!);
    const weights = exp(perAnswer(likely));
    perPair = mul(perPair, mul(side(weights, 0), side(weights, 1)));
  }
  const loss = reduceSum(mul(perPair, pairWeights), [0]);
  const sft = sftWeight(options);
  return sft === 0 ? loss : add(loss, neg(mul(reduceSum(mul(logProbs, inputs.sftShares!), [0]), scalar(sft))));
}
