/** @file The ratios of `npm run bench` compare what was measured side by side. */
import { expect, test } from "vitest";
import type { PresetTimes } from "../../bench/engine/measure-preset.ts";
import { type Measured, ratios } from "../../bench/engine/summary.ts";

/** A turn on a machine that is `slow` times as slow as it could be. */
const turn = (slow: number): PresetTimes => ({
  readyS: 1,
  coldTtftMs: 5000,
  towerMs: [1000 * slow],
  prefillMs: [500 * slow],
  ttftMs: [1500 * slow],
  tokenMs: [20 * slow, 20 * slow, 400],
  secondTurnMs: [60 * slow],
  tokensPerSecond: { 1: [50 / slow, 40 / slow], 8: [200 / slow, 200 / slow], 16: [300 / slow, 280 / slow] },
  overallPerSecond: {},
  reads: [{ bytesPerSecond: 50e9 / slow, tokenMs: 20 * slow }],
  copyMs: [100 * slow],
  copyDraftedMs: [50 * slow],
  copySame: true,
  residentBytes: 2e9,
  peakBytes: 3e9,
});
const peer = (slow: number) => ({ readyS: 3, towerMs: [4000 * slow], prefillMs: [1000 * slow], tokenMs: [40 * slow] });

const measured = (speeds: readonly number[], others: readonly number[] = []): Measured => ({
  ours: { auto: speeds.map(turn), int8: speeds.map(turn) },
  peers: { "llama.cpp Q4_0": speeds.map(peer), "llama.cpp Q8_0": "not installed", "pytorch bf16": speeds.map(peer) },
  tokenBytes: { auto: 0.9e9 },
  diskBytes: {},
  others: { "flashvl auto": [...others] },
  costs: {},
});

test("a machine that gets slower between turns changes no ratio", () => {
  const steady = ratios(measured([1, 1, 1]));
  expect(ratios(measured([1, 3, 2]))).toEqual(steady);
  expect(steady).toMatchObject({
    ttft_vs_pytorch: 0.3,
    prefill_vs_llamacpp_q4: 0.5,
    token4_vs_llamacpp_q4: 0.5,
    token8_vs_llamacpp_q8: null,
    token4_bandwidth_fraction: 0.9,
    batch8_vs_1: 4.5,
    batch16_vs_1: 6.5,
    drafts_vs_plain: 2,
    second_turn_vs_first: 0.04,
  });
});

test("turns in which others used the machine are left out, and without any there is no ratio", () => {
  const found = measured([1, 1, 1], [0.5, 0, 0.05]);
  found.ours.auto![0]!.prefillMs = [9000];
  expect(ratios(found).prefill_vs_llamacpp_q4).toBe(0.5);
  expect(ratios(measured([1], [0.5])).prefill_vs_llamacpp_q4).toBeNull();
});
