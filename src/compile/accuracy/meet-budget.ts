/** @file Raises the precision of the worst layers until the answers are as close to float32 as was asked for. */

import type { SchemeName } from "../../passes/index.ts";
import type { LayerOverrides, Preset } from "../presets.ts";
import type { AccuracyJudge, PresetAccuracy } from "./accuracy-report.ts";

/** What a layer becomes when it errs too much. */
const FINER: Readonly<Record<SchemeName, SchemeName>> = {
  int4: "int4-fine",
  "int4-fine": "int8",
  w8a8: "int8",
  int8: "fp32",
  fp32: "fp32",
};

/** Share of the layers that are raised in the first round; it doubles from round to round. */
const FIRST_SHARE = 0.05;

/** A plan that meets the budget, and how the way there went. */
export interface BudgetResult {
  overrides: LayerOverrides;
  accuracy: PresetAccuracy;
  /** Mean KL after each round, the first without overrides of its own. */
  rounds: number[];
}

/**
 * Overrides under which the mean KL is at most `budget`. Every round raises the worst of the layers that are not float32
 * yet by one step, twice as many as the round before; in the end all are float32, so it always ends.
 * @throws RangeError when the budget is not a positive number
 * @example const { overrides } = await meetBudget(judge, "int4", 0.01);
 */
export async function meetBudget(
  judge: AccuracyJudge,
  preset: Preset,
  budget: number,
  given: LayerOverrides = {},
  onRound: (accuracy: PresetAccuracy) => void = () => {},
): Promise<BudgetResult> {
  if (!(budget > 0 && budget < Number.POSITIVE_INFINITY))
    throw new RangeError(`The budget is a mean KL divergence in nats, above 0; found ${budget}.`);
  let overrides = given;
  const rounds: number[] = [];
  for (let share = FIRST_SHARE; ; share *= 2) {
    const accuracy = await judge.judge(preset, overrides);
    rounds.push(accuracy.meanKl);
    onRound(accuracy);
    if (accuracy.meanKl <= budget || accuracy.layers.length === 0) return { overrides, accuracy, rounds };
    const worst = accuracy.layers.slice(0, Math.max(1, Math.ceil(accuracy.layers.length * share)));
    const raised = worst.map(({ layer, scheme }) => [layer, FINER[scheme]] as const);
    // Later rules count: what was raised before must not stand behind.
    const kept = Object.entries(overrides).filter(([pattern]) => !raised.some(([layer]) => layer === pattern));
    overrides = Object.fromEntries([...kept, ...raised]);
  }
}
