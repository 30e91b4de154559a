/** @file Shapes the distribution: temperature, top-k, top-p and min-p, in the order in which transformers applies them. */
import type { SamplingSettings } from "./sampling-options.ts";
import { kthLargest } from "./select.ts";

/** Steps of the histogram that finds the top-p boundary, and how far below the best logit it reaches (e^-40 is nothing). */
const BUCKETS = 1024;
const REACH = 40;

/** Buffers for one distribution over the vocabulary; reused from token to token and from request to request. */
export class Candidates {
  /** The first `count` entries are the tokens that may be drawn. */
  readonly ids: Int32Array;
  /** Their probabilities, not normalised: exp((logit - best) / temperature). */
  readonly weights: Float64Array;
  /** Room for a copy of the logits that biases and penalties may change. */
  readonly adjusted: Float32Array;
  readonly #scratch: Float32Array;
  readonly #mass = new Float64Array(BUCKETS);
  count = 0;
  total = 0;
  /** log(sum(exp(logits / temperature))), where the settings left no token out. */
  normaliser: number | undefined;

  constructor(vocabSize: number) {
    this.ids = new Int32Array(vocabSize);
    this.weights = new Float64Array(vocabSize);
    this.adjusted = new Float32Array(vocabSize);
    this.#scratch = new Float32Array(vocabSize);
  }

  /**
   * Fills in the tokens that survive the settings.
   * @throws Error when no logit is a number above -Infinity: the model or a processor left nothing to choose.
   */
  fill(logits: Float32Array, settings: SamplingSettings): void {
    const { temperature, topK, topP, minP } = settings;
    let best = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < logits.length; i++) if (logits[i]! > best) best = logits[i]!;
    if (!Number.isFinite(best)) throw new NoTokenError(best);
    const least = kthLargest(logits, topK, this.#scratch);
    let count = 0;
    let total = 0;
    for (let i = 0; i < logits.length; i++) {
      const logit = logits[i]!;
      if (!(logit >= least)) continue;
      const weight = Math.exp((logit - best) / temperature);
      if (weight === 0) continue;
      this.ids[count] = i;
      this.weights[count++] = weight;
      total += weight;
    }
    this.count = count;
    this.total = total;
    const whole = topK >= logits.length && topP === 1 && minP === 0;
    this.normaliser = whole ? best / temperature + Math.log(total) : undefined;
    if (topP < 1) this.#keep(this.#topPThreshold(topP));
    // The best token's weight is 1, so a fraction of its probability is the same fraction of 1.
    if (minP > 0) this.#keep(minP);
  }

  /** The token at which the running sum of weights passes `uniform` (in [0, 1)) of their total. */
  draw(uniform: number): number {
    let left = uniform * this.total;
    let last = 0;
    for (let i = 0; i < this.count; i++) {
      left -= this.weights[i]!;
      last = i;
      if (left < 0) break;
    }
    return this.ids[last]!;
  }

  #keep(threshold: number): void {
    let count = 0;
    let total = 0;
    for (let i = 0; i < this.count; i++) {
      const weight = this.weights[i]!;
      if (weight < threshold) continue;
      this.ids[count] = this.ids[i]!;
      this.weights[count++] = weight;
      total += weight;
    }
    this.count = count;
    this.total = total;
  }

  /**
   * Smallest weight that top-p keeps: a token stays while the likelier ones sum to less than p.
   * A histogram finds the stretch in which the sum passes p, and only that stretch is sorted.
   */
  #topPThreshold(topP: number): number {
    const mass = this.#mass.fill(0);
    const bucketOf = (weight: number) => Math.min(BUCKETS - 1, (-Math.log(weight) * (BUCKETS / REACH)) | 0);
    for (let i = 0; i < this.count; i++) mass[bucketOf(this.weights[i]!)]! += this.weights[i]!;
    const target = topP * this.total;
    let above = 0;
    let boundary = 0;
    while (boundary < BUCKETS - 1 && above + mass[boundary]! < target) above += mass[boundary++]!;
    const inside = this.weights
      .subarray(0, this.count)
      .filter((weight) => bucketOf(weight) === boundary)
      .sort()
      .reverse();
    let threshold = inside[0] ?? 0;
    for (const weight of inside) {
      if (above >= target) break;
      threshold = weight;
      above += weight;
    }
    return threshold;
  }
}

/** Thrown where no token of the logits can be chosen: they hold NaN or infinite numbers, or every token was forbidden. */
export class NoTokenError extends Error {
  override readonly name = "NoTokenError";

  constructor(best: number) {
    super(
      `No token can be chosen: the largest logit is ${best}. The weights hold NaN or infinite numbers, or a logits processor forbade every token.`,
    );
  }
}
