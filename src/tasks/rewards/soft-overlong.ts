/** @file The length reward of DAPO: no penalty up to a limit, then a linear one. */

/**
 * 0 up to `maxLength - margin` tokens, then linearly down to -1 at `maxLength`, and -1 beyond (Yu et al. 2025, DAPO,
 * equation 13; TRL's `get_soft_overlong_punishment`).
 * @param length completion tokens
 * @param maxLength tokens at which the penalty is full
 * @param margin tokens over which it grows
 * @throws RangeError unless 0 < margin <= maxLength
 * @example softOverlongReward(90, 100, 20) // -0.5
 */
export function softOverlongReward(length: number, maxLength: number, margin: number): number {
  if (!(margin > 0 && margin <= maxLength)) {
    throw new RangeError(`The margin must be over 0 and at most maxLength (${maxLength}), but is ${margin}.`);
  }
  const free = maxLength - margin;
  if (length <= free) return 0;
  return length <= maxLength ? (free - length) / margin : -1;
}
