/** @file How far one set of logits is from another: the numbers of the accuracy report. */

/** Differences over several positions. */
export interface LogitDifference {
  /** Mean and largest KL divergence from the reference's distribution, in nats. */
  meanKl: number;
  maxKl: number;
  /** Share of positions at which both have the same most likely token. */
  top1: number;
}

/** log of the sum of exponentials, without overflow. */
function logSumExp(logits: Float32Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const x of logits) if (x > largest) largest = x;
  let sum = 0;
  for (const x of logits) sum += Math.exp(x - largest);
  return largest + Math.log(sum);
}

/**
 * KL(p‖q) = sum p·(log p - log q) in nats, for the distributions that two rows of logits stand for (Kullback & Leibler, 1951).
 * @example klDivergence(reference, found) // 0 where both are equal up to a constant
 */
export function klDivergence(reference: Float32Array, found: Float32Array): number {
  const [a, b] = [logSumExp(reference), logSumExp(found)];
  let sum = 0;
  for (let i = 0; i < reference.length; i++) {
    const logP = reference[i]! - a;
    sum += Math.exp(logP) * (logP - (found[i]! - b));
  }
  // Rounding may leave the sum of equal distributions a hair below zero.
  return Math.max(0, sum);
}

/** Index of the largest logit; the first of equals. */
export function argMaxOf(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

/**
 * Compares logits [rows, vocabulary].
 * @throws RangeError when the two differ in size or are empty
 */
export function compareLogits(reference: Float32Array, found: Float32Array, vocabulary: number): LogitDifference {
  const rows = reference.length / vocabulary;
  if (reference.length !== found.length || !(rows >= 1))
    throw new RangeError(
      `${found.length} logits cannot be compared with ${reference.length}: expected as many, and some.`,
    );
  let [sum, maxKl, same] = [0, 0, 0];
  for (let row = 0; row < rows; row++) {
    const [p, q] = [reference, found].map((x) => x.subarray(row * vocabulary, (row + 1) * vocabulary)) as [
      Float32Array,
      Float32Array,
    ];
    const kl = klDivergence(p, q);
    sum += kl;
    maxKl = Math.max(maxKl, kl);
    if (argMaxOf(p) === argMaxOf(q)) same++;
  }
  return { meanKl: sum / rows, maxKl, top1: same / rows };
}
