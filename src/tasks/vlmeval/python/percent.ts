/** @file Python's `"{:.2%}"`: a share as a percentage with two decimals, exact ties to even. */

/**
 * @param share the value before multiplication by 100; NaN prints as `nan%`
 * @example formatPercent(0.00125) // "0.12%", where toFixed would say 0.13
 */
export function formatPercent(share: number): string {
  const value = share * 100;
  if (Number.isNaN(value)) return "nan%";
  if (!Number.isFinite(value)) return value > 0 ? "inf%" : "-inf%";
  // Only odd multiples of 1/8 lie exactly between two hundredths in binary.
  const isTie = Number.isInteger(value * 8) && !Number.isInteger(value * 4);
  if (!isTie) return `${value.toFixed(2)}%`;
  const below = Math.floor(value * 100);
  const even = below % 2 === 0 ? below : below + 1;
  return `${(even / 100).toFixed(2)}%`;
}
