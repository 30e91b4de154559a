/** @file Preference losses, their gradients and metrics against numbers that TRL computed, in float64 and as graphs. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { inFloat64, type PreferenceCase, type PreferenceErrors, throughGraph } from "./preference-vectors.ts";

const { cases } = JSON.parse(readFileSync(new URL("../golden/dpo-vectors.json", import.meta.url), "utf8")) as {
  cases: PreferenceCase[];
};

const named = cases.map((c) => {
  const { loss_type, loss_weights, beta, label_smoothing, ld_alpha, use_weighting, f_divergence_type } = c;
  const more = { label_smoothing, ld_alpha, use_weighting, f_divergence_type };
  const name = `${loss_type.map((type, i) => `${loss_weights[i]}·${type}`).join(" + ")}, beta ${beta} ${JSON.stringify(more)}`;
  return [name, c] as const;
});

/** TRL takes shares of pairs and tokens in float32. */
const FLOAT32_SHARE = 5e-8;
function expectSmall({ loss, gradient, metrics }: PreferenceErrors, tolerance: number): void {
  expect(loss).toBeLessThan(tolerance);
  expect(gradient).toBeLessThan(tolerance);
  for (const [name, error] of Object.entries(metrics))
    expect(error, name).toBeLessThan(name.includes("accurac") ? Math.max(tolerance, FLOAT32_SHARE) : tolerance);
  expect(Object.keys(metrics)).toHaveLength(10);
}

describe("in float64 within 1e-9", () => {
  test.each(named)("%s", (_, c) => expectSmall(inFloat64(c), 1e-9));
});

describe("through the graph within 1e-5", () => {
  test.each(named)("%s", async (_, c) => expectSmall(await throughGraph(c), 1e-5));
});
