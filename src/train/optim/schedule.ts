/** @file Learning-rate schedules: linear warm-up, the peak held for a while if wanted, then linear or cosine decay. */

export interface ScheduleOptions {
  readonly kind: "constant" | "linear" | "cosine";
  readonly warmupSteps: number;
  readonly totalSteps: number;
  /** The decay ends at this fraction of the peak. */
  readonly minFactor?: number;
  /** Share of the steps after warm-up that stay at the peak before the decay begins (warm-up, stable, decay: arXiv 2404.06395). */
  readonly hold?: number;
}

/**
 * Factor on the peak learning rate for update `step` (0 for the first), as transformers' schedulers: warm-up starts at 0.
 * @example scheduleFactor(50, { kind: "cosine", warmupSteps: 0, totalSteps: 100 }) // 0.5
 */
export function scheduleFactor(
  step: number,
  { kind, warmupSteps, totalSteps, minFactor = 0, hold = 0 }: ScheduleOptions,
): number {
  if (step < warmupSteps) return step / Math.max(1, warmupSteps);
  if (kind === "constant") return 1;
  const done = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  const progress = hold > 0 ? Math.max(0, done - hold) / (1 - hold) : done;
  const falling = kind === "linear" ? 1 - progress : 0.5 * (1 + Math.cos(Math.PI * progress));
  return minFactor + (1 - minFactor) * falling;
}
