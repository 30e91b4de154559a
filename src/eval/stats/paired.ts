/** @file Do two runs differ on the same rows by more than chance? McNemar's exact test for right or wrong, a paired bootstrap for any credit. */
import { Random } from "../../common/index.ts";
import { DEFAULT_SEED, type Interval, percentileInterval, RESAMPLES } from "./bootstrap.ts";

export interface Paired {
  /** Units in both runs. */
  units: number;
  /** Mean credit of each over these units, x 100. */
  first: number;
  second: number;
  /** Second minus first: above 0 where the second is better. */
  difference: number;
  interval: Interval;
  /** Units on which only the first, or only the second, is better. */
  onlyFirst: number;
  onlySecond: number;
  test: "McNemar, exact" | "sign flips";
  p: number;
}

/** Random sign assignments for the test of graded credit. */
const FLIPS = 10_000;

/** log(n!) for n = 0..limit. */
function logFactorials(limit: number): Float64Array {
  const table = new Float64Array(limit + 1);
  for (let n = 1; n <= limit; n++) table[n] = table[n - 1]! + Math.log(n);
  return table;
}

/**
 * Two-sided exact binomial probability of a split at least as uneven as a : b (McNemar 1947, exact form).
 * @example mcnemarExact(10, 0) // 0.00195
 */
export function mcnemarExact(a: number, b: number): number {
  const n = a + b;
  if (n === 0) return 1;
  const log = logFactorials(n);
  let tail = 0;
  for (let k = 0; k <= Math.min(a, b); k++) tail += Math.exp(log[n]! - log[k]! - log[n - k]! - n * Math.LN2);
  return Math.min(1, 2 * tail);
}

/**
 * Compare two runs unit by unit.
 * @param first credit per unit, 0..1
 * @throws if they have no unit in common
 */
export function comparePaired(
  first: ReadonlyMap<string, number>,
  second: ReadonlyMap<string, number>,
  seed = DEFAULT_SEED,
): Paired {
  const differences: number[] = [];
  const both: { first: number[]; second: number[] } = { first: [], second: [] };
  let graded = false;
  for (const [id, value] of first) {
    const other = second.get(id);
    if (other === undefined) continue;
    differences.push(other - value);
    both.first.push(value);
    both.second.push(other);
    if (![0, 1].includes(value) || ![0, 1].includes(other)) graded = true;
  }
  if (differences.length === 0) throw new Error("The two runs have no row in common; compare runs of one data set.");
  const onlyFirst = differences.filter((value) => value < 0).length;
  const onlySecond = differences.filter((value) => value > 0).length;
  const mean = (values: readonly number[]) => (100 * values.reduce((sum, value) => sum + value, 0)) / values.length;
  const random = new Random(seed);
  const resampled = Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let i = 0; i < differences.length; i++) sum += differences[random.below(differences.length)]!;
    return (100 * sum) / differences.length;
  });
  return {
    units: differences.length,
    first: mean(both.first),
    second: mean(both.second),
    difference: mean(differences),
    interval: percentileInterval(resampled),
    onlyFirst,
    onlySecond,
    test: graded ? "sign flips" : "McNemar, exact",
    p: graded ? signFlips(differences, seed) : mcnemarExact(onlyFirst, onlySecond),
  };
}

/** Share of random signs that give a difference at least as large (Fisher's randomisation test). */
function signFlips(differences: readonly number[], seed: number): number {
  const nonZero = differences.filter((value) => value !== 0);
  if (nonZero.length === 0) return 1;
  const observed = Math.abs(nonZero.reduce((sum, value) => sum + value, 0));
  const random = new Random(seed);
  let extreme = 1;
  for (let flip = 0; flip < FLIPS; flip++) {
    let sum = 0;
    for (const value of nonZero) sum += random.below(2) === 0 ? value : -value;
    if (Math.abs(sum) >= observed - 1e-12) extreme++;
  }
  return extreme / (FLIPS + 1);
}
