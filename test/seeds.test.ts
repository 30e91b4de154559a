/** @file Wherever a seed is taken, neighbouring seeds give first draws that are uniform and know nothing of each other. */
import { describe, expect, it } from "vitest";
import { toGenerateOptions } from "../src/ai-sdk/to-generate-options.ts";
import { deriveSeed, Random } from "../src/common/index.ts";
import type { ManyRequest } from "../src/engine/index.ts";
import { Candidates, Sampler, type SamplingOptions, samplingSettings } from "../src/engine/sampling/index.ts";
import { bootstrapInterval } from "../src/eval/stats/bootstrap.ts";
import { comparePaired } from "../src/eval/stats/paired.ts";
import type { FlashVL } from "../src/node/index.ts";
import { samplingOptions } from "../src/serve/chat/to-job.ts";
import type { Task } from "../src/tasks/index.ts";
import { epochOrder, splitRows } from "../src/train/data/shuffled-rows.ts";
import { rollout } from "../src/train/rollout.ts";

const SEEDS = 10_000;
const seeds = Array.from({ length: SEEDS }, (_, seed) => seed);

/** Pearson's statistic against expected shares, over its 99.95 % quantile (Wilson & Hilferty 1931): below 1 for chance. */
function overChance(counts: readonly number[], shares: readonly number[]): number {
  const n = counts.reduce((a, b) => a + b, 0);
  const statistic = counts.reduce((sum, count, i) => sum + (count - n * shares[i]!) ** 2 / (n * shares[i]!), 0);
  const c = 2 / (9 * (counts.length - 1));
  return statistic / ((counts.length - 1) * (1 - c + 3.29 * Math.sqrt(c)) ** 3);
}

/** The draws fall into classes by their shares, and so do pairs of neighbours, of every second, and of every tenth. */
function expectChance(draws: readonly number[], shares: readonly number[]): void {
  const count = (classes: readonly number[], size: number) => {
    const counts = new Array<number>(size).fill(0);
    for (const one of classes) counts[one]!++;
    return counts;
  };
  const k = shares.length;
  expect(draws.length).toBeGreaterThanOrEqual(SEEDS);
  expect(overChance(count(draws, k), shares), "uniform").toBeLessThan(1);
  const both = shares.flatMap((a) => shares.map((b) => a * b));
  for (const step of [1, 2, 10]) {
    const pairs = draws.slice(step).map((draw, i) => draws[i]! * k + draw);
    expect(overChance(count(pairs, k * k), both), `independent ${step} apart`).toBeLessThan(1);
  }
}

const even = (k: number): number[] => new Array<number>(k).fill(1 / k);

const VOCABULARY = 16;
const buffers = new Candidates(VOCABULARY);
const logits = new Float32Array(VOCABULARY);
const firstToken = (options: SamplingOptions): number =>
  new Sampler(samplingSettings(options, VOCABULARY), [], buffers).next(logits).token;

it("the measure itself knows chance from its absence", () => {
  const random = new Random(1);
  expectChance(
    seeds.map(() => random.below(16)),
    even(16),
  );
  expect(() =>
    expectChance(
      seeds.map((seed) => seed % 16),
      even(16),
    ),
  ).toThrow(/independent/);
  expect(() =>
    expectChance(
      seeds.map(() => 15),
      even(16),
    ),
  ).toThrow(/uniform/);
});

describe("seeds 0, 1, 2, … give first draws by chance", () => {
  it("in the generator itself, at the top bits and at the lowest", () => {
    expectChance(
      seeds.map((seed) => new Random(seed).below(16)),
      even(16),
    );
    expectChance(
      seeds.map((seed) => new Random(2 ** 45 + seed).bits() & 15),
      even(16),
    );
  });

  it("in sampling", () => {
    expectChance(
      seeds.map((seed) => firstToken({ doSample: true, seed })),
      even(VOCABULARY),
    );
  });

  it("in sampling over HTTP, for the first choice and the others", () => {
    expectChance(
      seeds.map((seed) => firstToken(samplingOptions({ seed, temperature: 1 }))),
      even(VOCABULARY),
    );
    expectChance(
      seeds.map((choice) => firstToken(samplingOptions({ seed: deriveSeed(1, choice), temperature: 1 }))),
      even(VOCABULARY),
    );
  });

  it("in sampling by the AI SDK", () => {
    const call = (seed: number) => toGenerateOptions({ prompt: [], seed, temperature: 1 }).generateOptions;
    expectChance(
      seeds.map((seed) => firstToken(call(seed))),
      even(VOCABULARY),
    );
  });

  it("in the order of data: of neighbouring seeds, and of the epochs of one seed", () => {
    expectChance(
      seeds.map((seed) => epochOrder(12, seed, 0)[0]!),
      even(12),
    );
    expectChance(
      seeds.map((epoch) => epochOrder(12, 0, epoch)[0]!),
      even(12),
    );
  });

  it("in the rows that are held out", () => {
    expectChance(
      seeds.map((seed) => splitRows(12, 1, seed).validation[0]!),
      even(12),
    );
  });

  it("in the intervals of scores and of their differences", () => {
    const shares = [0.25, 0.5, 0.25]; // of two draws of two, none, one or both are the second
    const units = [0, 1].map((value) => ({ id: String(value), value }));
    expectChance(
      seeds.map((seed) => bootstrapInterval({ combine: "mean", units }, { seed, resamples: 1 })!.low / 50),
      shares,
    );
    const ids = ["a", "b", "c"];
    const credit = new Map(ids.map((id) => [id, 0.5]));
    const nothing = new Map(ids.map((id) => [id, 0]));
    const ps = Array.from({ length: 40 }, (_, seed) => comparePaired(credit, nothing, seed).p);
    for (const p of ps) expect(Math.abs(p - 0.25)).toBeLessThan(0.02); // two of eight assignments of signs
    expect(new Set(ps).size).toBeGreaterThan(20);
  });
});

describe("a step of GRPO", () => {
  /** The seeds that `rollout` hands to the engine for `prompts` rows. */
  async function seedsOfPrompts(seed: number, prompts: number): Promise<number[]> {
    const given: number[] = [];
    const model = {
      async rolloutMany(requests: readonly ManyRequest[]) {
        given.push(...requests.map(({ options }) => options!.seed!));
        throw new Error("the seeds are known");
      },
    } as unknown as FlashVL;
    const task = { prompt: () => ({ images: [], messages: [] }) } as unknown as Task<number>;
    const rows = Array.from({ length: prompts }, (_, i) => i);
    const options = { groupSize: 1, temperature: 1, maxNewTokens: 1, seed };
    await expect(rollout(model, task, rows, [], undefined as never, options)).rejects.toThrow("the seeds are known");
    return given;
  }

  it("draws the answers of neighbouring prompts, samples and steps by chance", async () => {
    const prompts = await seedsOfPrompts(0, SEEDS);
    expectChance(
      prompts.map((seed) => firstToken({ doSample: true, seed: deriveSeed(seed, 0) })),
      even(VOCABULARY),
    );
    expectChance(
      seeds.map((sample) => firstToken({ doSample: true, seed: deriveSeed(prompts[0]!, sample) })),
      even(VOCABULARY),
    );
    const steps = await Promise.all(
      seeds.map(async (step) => (await seedsOfPrompts(deriveSeed(0, step, 2 * step), 1))[0]!),
    );
    expectChance(
      steps.map((seed) => firstToken({ doSample: true, seed: deriveSeed(seed, 0) })),
      even(VOCABULARY),
    );
  });

  it("gives no answer the seed of another", async () => {
    const all = (await Promise.all([0, 1, 2, 3].map((seed) => seedsOfPrompts(seed, 50)))).flat();
    const drawn = all.flatMap((seed) => Array.from({ length: 16 }, (_, i) => deriveSeed(seed, i)));
    expect(new Set(drawn).size).toBe(drawn.length);
  });
});
