/** @file float32 to float16 and back, exactly as IEEE 754 says: rounded to the nearest, ties to even. */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * The float16 bits nearest to `value`; beyond its range infinity, NaN stays NaN.
 * @example floatToHalf(1) // 0x3c00
 */
export function floatToHalf(value: number): number {
  float[0] = value;
  const sign = (bits[0]! >>> 16) & 0x8000;
  const magnitude = bits[0]! & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // from 65520 on, the nearest is infinity
  if (magnitude < 0x38800000) {
    // Below 2^-14 the step is 2^-24; adding 1.5·2^23 steps lets float64 arithmetic do the rounding to an integer of steps.
    const steps = Math.abs(float[0]!) * 2 ** 24;
    return sign | (steps + 1.5 * 2 ** 52 - 1.5 * 2 ** 52);
  }
  const odd = (magnitude >>> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13);
}

/**
 * The value of float16 bits.
 * @example halfToFloat(0x3c00) // 1
 */
export function halfToFloat(half: number): number {
  const magnitude = half & 0x7fff;
  if (magnitude > 0x7c00) return Number.NaN;
  if (magnitude === 0x7c00) return half & 0x8000 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  // The same bits as a float32, whose exponents count from 127 instead of 15. Also right below 2^-14, where both have no exponent.
  bits[0] = ((half & 0x8000) << 16) | (magnitude << 13);
  return float[0]! * 2 ** 112;
}
