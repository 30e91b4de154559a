/** @file Log-probabilities of tokens from raw logits. */
import { topIndices } from "./select.ts";

/** A token and the natural logarithm of its probability. */
export interface TokenLogprob {
  token: number;
  logprob: number;
}

/** log(sum(exp(logits / temperature))), in double precision. */
export function logSumExp(logits: Float32Array, temperature = 1): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) if (logits[i]! > max) max = logits[i]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp((logits[i]! - max) / temperature);
  return max / temperature + Math.log(sum);
}

/** Log-probability of each given token, and of the `top` most likely ones. @param normaliser `logSumExp`, if known */
export function tokenLogprobs(
  logits: Float32Array,
  token: number,
  top: number,
  temperature = 1,
  normaliser = logSumExp(logits, temperature),
): { logprob: number; top: TokenLogprob[] } {
  const of = (id: number) => logits[id]! / temperature - normaliser;
  const best = top > 0 ? [...topIndices(logits, top)] : [];
  return { logprob: of(token), top: best.map((id) => ({ token: id, logprob: of(id) })) };
}
