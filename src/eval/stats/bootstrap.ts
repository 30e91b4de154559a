/** @file Percentile bootstrap: how far a metric may lie from its value by the choice of rows alone (Efron 1979). */
import { Random } from "../../common/index.ts";
import { type Metric, type MetricUnit, metricValue } from "../../vlmeval/index.ts";

export interface Interval {
  low: number;
  high: number;
}

export const RESAMPLES = 1000;
export const DEFAULT_SEED = 1;
const LEVEL = 0.95;

/** Units of each stratum; a metric without strata has one. */
function strataOf(metric: Pick<Metric, "combine" | "units">): MetricUnit[][] {
  if (metric.combine !== "sum-of-means") return [metric.units];
  const strata = new Map<string, MetricUnit[]>();
  for (const unit of metric.units) {
    const name = unit.stratum ?? "";
    strata.set(name, [...(strata.get(name) ?? []), unit]);
  }
  return [...strata.values()];
}

function resampledValue(metric: Pick<Metric, "combine">, strata: readonly MetricUnit[][], random: Random): number {
  let total = 0;
  for (const units of strata) {
    let sum = 0;
    for (let i = 0; i < units.length; i++) sum += units[random.below(units.length)]!.value;
    total += metric.combine === "sum" ? sum : sum / units.length;
  }
  return metric.combine === "mean" ? total * 100 : total;
}

/** The values at the two ends of the middle 95 %. */
export function percentileInterval(values: readonly number[]): Interval {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(share * (sorted.length - 1))))]!;
  return { low: at((1 - LEVEL) / 2), high: at((1 + LEVEL) / 2) };
}

/**
 * The 95 % interval of a metric, resampling its units (groups stay whole) within their strata. Null for no units.
 * @example bootstrapInterval({ combine: "mean", units }, { seed: 1 })
 */
export function bootstrapInterval(
  metric: Pick<Metric, "combine" | "units">,
  options: { seed?: number; resamples?: number } = {},
): Interval | null {
  if (metric.units.length === 0 || Number.isNaN(metricValue(metric))) return null;
  const { seed = DEFAULT_SEED, resamples = RESAMPLES } = options;
  const random = new Random(seed);
  const strata = strataOf(metric);
  return percentileInterval(Array.from({ length: resamples }, () => resampledValue(metric, strata, random)));
}
