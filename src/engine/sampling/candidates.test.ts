/** @file Which tokens survive top-k, top-p and min-p, where the order of the three decides. */
import { expect, test } from "vitest";
import { Candidates } from "./candidates.ts";
import { samplingSettings } from "./sampling-options.ts";

/** The tokens of these probabilities that may be drawn. */
function kept(probabilities: readonly number[], options: { topK?: number; topP?: number; minP?: number }): number[] {
  const logits = Float32Array.from(probabilities, Math.log);
  const candidates = new Candidates(logits.length);
  candidates.fill(logits, samplingSettings({ doSample: true, temperature: 1, ...options }, logits.length));
  return [...candidates.ids.subarray(0, candidates.count)];
}

test("top-p counts the mass of what min-p takes away afterwards", () => {
  const probabilities = [0.4, 0.21, 0.19, 0.1, 0.1];
  expect(kept(probabilities, { topP: 0.7 })).toEqual([0, 1, 2]);
  expect(kept(probabilities, { minP: 0.3 })).toEqual([0, 1, 2]);
  // With min-p first, 0.7 of the remaining 0.8 would be reached by two tokens.
  expect(kept(probabilities, { topP: 0.7, minP: 0.3 })).toEqual([0, 1, 2]);
});

test("top-k goes before top-p, whose mass is that of the k", () => {
  const probabilities = [0.4, 0.21, 0.19, 0.1, 0.1];
  // 0.6 of the two that are left is reached by the first; 0.6 of all would need the second.
  expect(kept(probabilities, { topK: 2, topP: 0.6 })).toEqual([0]);
  expect(kept(probabilities, { topP: 0.6 })).toEqual([0, 1]);
});
