/** @file Takes forbidden tokens out of the running. */

/** Tokens per word of a mask. */
const WORD = 32;

/**
 * Sets the logits of forbidden tokens to -Infinity, in place. Token t is allowed when bit t % 32 of word t / 32 is set;
 * tokens beyond the mask (a vocabulary padded for the hardware) are forbidden.
 *
 * @param logits [vocabulary]
 * @param mask [ceil(tokens / 32)]
 * @example applyMask(logits, Int32Array.of(0b101)); // only tokens 0 and 2 remain
 */
export function applyMask(logits: Float32Array, mask: Int32Array): void {
  for (let word = 0, from = 0; word < mask.length && from < logits.length; word += 1, from += WORD) {
    const bits = mask[word]!;
    if (bits === -1) continue;
    const to = Math.min(from + WORD, logits.length);
    if (bits === 0) {
      logits.fill(-Infinity, from, to);
      continue;
    }
    for (let token = from; token < to; token += 1) {
      if (((bits >>> (token - from)) & 1) === 0) logits[token] = -Infinity;
    }
  }
  logits.fill(-Infinity, Math.min(mask.length * WORD, logits.length));
}
