/** @file Biases and penalties: what changes single logits before the distribution is shaped. */
import type { SamplingSettings } from "./sampling-options.ts";
import type { TokenCounts } from "./token-counts.ts";

/** Whether `adjustLogits` would change anything; greedy decoding without adjustments needs no copy of the logits. */
export function adjustsLogits(settings: SamplingSettings): boolean {
  return (
    settings.logitBias.length > 0 ||
    settings.repetitionPenalty !== 1 ||
    settings.presencePenalty !== 0 ||
    settings.frequencyPenalty !== 0 ||
    settings.logitsProcessor !== undefined
  );
}

/** With more tokens than this, reading all logits is as cheap as visiting each one's neighbours. */
const MOST_TOUCHED = 64;

/**
 * The tokens whose logits `adjustLogits` may change, each at least once; undefined where they may be many, or any: a
 * processor is free to change all.
 */
export function touchedTokens(settings: SamplingSettings, counts: TokenCounts): number[] | undefined {
  if (settings.logitsProcessor) return undefined;
  const touched = settings.logitBias.map(([token]) => token);
  if (settings.repetitionPenalty !== 1) touched.push(...counts.seen());
  if (settings.frequencyPenalty !== 0 || settings.presencePenalty !== 0) touched.push(...counts.answer.keys());
  return touched.length > MOST_TOUCHED ? undefined : touched;
}

/**
 * Applies bias, then repetition, frequency and presence penalty, then the caller's processor, in place.
 * The repetition penalty is transformers' RepetitionPenaltyLogitsProcessor; the others follow the OpenAI API reference.
 */
export function adjustLogits(logits: Float32Array, settings: SamplingSettings, counts: TokenCounts): void {
  for (const [token, bias] of settings.logitBias) logits[token]! += bias;
  const { repetitionPenalty, frequencyPenalty, presencePenalty } = settings;
  if (repetitionPenalty !== 1) {
    for (const token of counts.seen()) {
      const logit = logits[token]!;
      logits[token] = logit < 0 ? logit * repetitionPenalty : logit / repetitionPenalty;
    }
  }
  if (frequencyPenalty !== 0 || presencePenalty !== 0) {
    for (const [token, count] of counts.answer) logits[token]! -= count * frequencyPenalty + presencePenalty;
  }
  settings.logitsProcessor?.(logits, counts.generated);
}
