/** @file Chooses one request's next token from logits. */
import { Random } from "../../common/index.ts";
import { adjustLogits, adjustsLogits, touchedTokens } from "./adjust-logits.ts";
import { type Candidates, NoTokenError } from "./candidates.ts";
import { type TokenLogprob, tokenLogprobs } from "./log-probs.ts";
import { argmaxByPeaks, updatedPeaks } from "./peaks.ts";
import type { SamplingSettings } from "./sampling-options.ts";
import { argmax } from "./select.ts";
import { TokenCounts } from "./token-counts.ts";

/** Which log-probabilities to report with each token. */
export interface LogprobRequest {
  /** How many of the likeliest tokens to list. */
  top: number;
  /** Logits are divided by this first: 1 for the model's own distribution, the sampling temperature for policy gradients. */
  temperature: number;
}

/** A chosen token; the log-probabilities are of the model's raw logits, before biases, penalties and truncation. */
export interface Choice {
  token: number;
  logprob?: number;
  topLogprobs?: TokenLogprob[];
}

/** What is needed to continue a sampler elsewhere. */
export interface SamplerState {
  random: readonly number[];
  generated: readonly number[];
}

/**
 * The sampler of one request. Buffers may be shared by all samplers of a thread, since a choice is made in one go.
 * @example
 * const settings = samplingSettings({ doSample: true, temperature: 0.7, seed: 1 }, vocabSize);
 * const sampler = new Sampler(settings, promptIds, new Candidates(vocabSize));
 * const { token } = sampler.next(logits);
 */
export class Sampler {
  readonly #settings: SamplingSettings;
  readonly #counts: TokenCounts;
  readonly #buffers: Candidates;
  readonly #logprobs: LogprobRequest | undefined;
  #random: Random;

  constructor(settings: SamplingSettings, promptIds: Iterable<number>, buffers: Candidates, logprobs?: LogprobRequest) {
    this.#settings = settings;
    this.#counts = new TokenCounts(promptIds);
    this.#buffers = buffers;
    this.#logprobs = logprobs;
    this.#random = new Random(settings.seed);
  }

  get generated(): readonly number[] {
    return this.#counts.generated;
  }

  /**
   * Chooses from logits [vocab], which are left as they are, and remembers the choice for the penalties.
   * @param peaks the largest of every `PEAK_BLOCK` logits, if known: saves reading them all
   */
  next(logits: Float32Array, peaks?: Float32Array): Choice {
    const token = this.#settings.greedy ? this.#best(logits, peaks) : this.#draw(this.#adjusted(logits));
    this.#counts.add(token);
    if (!this.#logprobs) return { token };
    const { temperature } = this.#logprobs;
    const { logprob, top } = tokenLogprobs(
      logits,
      token,
      this.#logprobs.top,
      temperature,
      this.#normaliser(temperature),
    );
    return this.#logprobs.top > 0 ? { token, logprob, topLogprobs: top } : { token, logprob };
  }

  /** Probabilities [vocab] of every token as the next one, after all adjustments. Chooses nothing. */
  distribution(logits: Float32Array): Float64Array {
    const adjusted = this.#adjusted(logits);
    const probabilities = new Float64Array(logits.length);
    if (this.#settings.greedy) {
      probabilities[largest(adjusted)] = 1;
      return probabilities;
    }
    const { ids, weights } = this.#filled(adjusted);
    for (let i = 0; i < this.#buffers.count; i++) probabilities[ids[i]!] = weights[i]! / this.#buffers.total;
    return probabilities;
  }

  /** A copy of everything that changes while sampling. */
  state(): SamplerState {
    return { random: this.#random.state, generated: [...this.#counts.generated] };
  }

  /** Continues from a saved state; call it on a fresh sampler with the same options and prompt. */
  restore(state: SamplerState): void {
    this.#random = Random.fromState(state.random);
    for (const token of state.generated) this.#counts.add(token);
  }

  /** The sum that drawing has made already, where it was of the model's own logits at this temperature. */
  #normaliser(temperature: number): number | undefined {
    const own = !this.#settings.greedy && !adjustsLogits(this.#settings) && this.#settings.temperature === temperature;
    return own ? this.#buffers.normaliser : undefined;
  }

  #draw(logits: Float32Array): number {
    this.#filled(logits);
    return this.#buffers.draw(this.#random.uniform());
  }

  #filled(logits: Float32Array): Candidates {
    this.#buffers.fill(logits, this.#settings);
    return this.#buffers;
  }

  /** The likeliest token: by the peaks where only a few single logits differ from the model's own. */
  #best(logits: Float32Array, peaks: Float32Array | undefined): number {
    const touched = peaks && touchedTokens(this.#settings, this.#counts);
    if (!touched) return largest(this.#adjusted(logits));
    const before = touched.map((token) => logits[token]!);
    adjustLogits(logits, this.#settings, this.#counts);
    try {
      return largest(logits, updatedPeaks(logits, peaks, touched));
    } finally {
      touched.forEach((token, i) => {
        logits[token] = before[i]!;
      });
    }
  }

  /** The logits themselves, or a copy with biases and penalties. */
  #adjusted(logits: Float32Array): Float32Array {
    if (!adjustsLogits(this.#settings)) return logits;
    const { adjusted } = this.#buffers;
    adjusted.set(logits);
    adjustLogits(adjusted, this.#settings, this.#counts);
    return adjusted;
  }
}

function largest(logits: Float32Array, peaks?: Float32Array): number {
  const token = peaks ? argmaxByPeaks(logits, peaks) : argmax(logits);
  if (token < 0) throw new NoTokenError(Number.NEGATIVE_INFINITY);
  return token;
}
