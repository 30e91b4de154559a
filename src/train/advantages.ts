/** @file Advantages: how much better each answer is than the others of its group. */

/** null: no reward function could score the row; it is left out and gets advantage 0. */
export type Reward = number | null;
export type ScaleRewards = "group" | "batch" | "none" | "normalize_then_sum";

const EPSILON = 1e-4;

const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;

/** Standard deviation with ddof 1, as torch.std; 0 for fewer than two values. */
function std(xs: readonly number[]): number {
  if (xs.length < 2) return 0;
  const m = mean(xs);
  return Math.sqrt(xs.reduce((s, x) => s + (x - m) ** 2, 0) / (xs.length - 1));
}

const scored = (xs: readonly Reward[]): number[] => xs.filter((x): x is number => x !== null);

function groupsOf<T>(rows: readonly T[], size: number): T[][] {
  if (size < 1 || rows.length % size !== 0)
    throw new RangeError(`${rows.length} rewards do not divide into groups of ${size}`);
  return Array.from({ length: rows.length / size }, (_, g) => rows.slice(g * size, (g + 1) * size));
}

/**
 * Advantage of each row; rows of one group stand together. "group": (R - mean)/(std + ε) within the group · "batch": mean
 * of the group, std of the batch · "none" (Dr. GRPO): R - mean. A group of equal rewards gets 0.
 * @param epsilon 1e-4 in TRL, 1e-6 in verl
 * @example advantages([1, 0, 0, 1], 2, "group")
 */
export function advantages(
  rewards: readonly Reward[],
  groupSize: number,
  scale: Exclude<ScaleRewards, "normalize_then_sum">,
  epsilon = EPSILON,
): number[] {
  const batchStd = std(scored(rewards));
  return groupsOf(rewards, groupSize).flatMap((group) => {
    const known = scored(group);
    const m = known.length ? mean(known) : 0;
    const divisor = scale === "none" ? 1 : (scale === "group" ? std(known) : batchStd) + epsilon;
    return group.map((r) => (r === null ? 0 : (r - m) / divisor));
  });
}

/**
 * GDPO: each reward function is normalised within its group, their weighted sum over the batch (arXiv 2601.05242).
 * @param perFunction rewards[row][function]
 */
export function normalizeThenSum(
  perFunction: readonly (readonly Reward[])[],
  weights: readonly number[],
  groupSize: number,
): number[] {
  const columns = weights.map((_, k) =>
    advantages(
      perFunction.map((row) => row[k]!),
      groupSize,
      "group",
    ),
  );
  const sums = perFunction.map((_, i) => weights.reduce((s, w, k) => s + w * columns[k]![i]!, 0));
  const [m, s] = [mean(sums), std(sums)];
  return sums.map((x) => (x - m) / (s + EPSILON));
}

/** Σ weight·reward over the functions that could score the row; null when none could. */
export function combineRewards(row: readonly Reward[], weights: readonly number[]): Reward {
  const known = row.flatMap((r, k) => (r === null ? [] : [r * weights[k]!]));
  return known.length ? known.reduce((a, b) => a + b, 0) : null;
}

/** Share of groups whose rewards are all equal: they teach nothing. */
export const zeroVarianceShare = (rewards: readonly Reward[], groupSize: number): number =>
  mean(groupsOf(rewards, groupSize).map((g) => Number(std(scored(g)) === 0)));
