/** @file GRPO's losses, gradients, advantages and schedules against numbers that TRL computed. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { gradients, input, type Value, weight } from "../../src/graph/index.ts";
import type { Task } from "../../src/tasks/index.ts";
import {
  adamw,
  advantages,
  clipFactor,
  globalNorm,
  type LossType,
  loadRewards,
  newMoments,
  normalizeThenSum,
  type PolicyLossOptions,
  packBestFit,
  policyLoss,
  repeatedOrder,
  scheduleFactor,
  tokenWeights,
} from "../../src/train/index.ts";
import { policyMeasures } from "../../src/train/policy-measures.ts";
import { evaluate, relativeError } from "./evaluate.ts";

const vectors = JSON.parse(readFileSync(new URL("../golden/grpo-vectors.json", import.meta.url), "utf8"));
const {
  logps,
  oldLogps,
  refLogps,
  mask,
  advantages: rowAdvantages,
} = vectors.inputs as Record<string, number[][]> & { advantages: number[] };
const [ROWS, LENGTH] = [logps!.length, logps![0]!.length];

interface Config {
  lossType: LossType;
  beta: number;
  epsilonLow: number;
  epsilonHigh: number;
  klBiasCorrection: boolean | null;
  importanceSamplingLevel: "token" | "sequence";
  delta: number | null;
  onPolicy: boolean;
  maxCompletionLength: number;
  gradAccum: number;
  stepsPerGeneration: number;
  numItemsInBatch: number;
  [other: string]: unknown;
}

/** Loss and gradient of one case, computed by the project's graph. */
async function compute(
  c: Config,
  own: { mask?: number[][]; rows?: [number, number]; tau?: [number, number]; correction?: number[][] } = {},
) {
  const [from, to] = own.rows ?? [0, ROWS];
  const take = <T>(x: T[]): T[] => x.slice(from, to);
  const counted = take(own.mask ?? mask!);
  const n = (to - from) * LENGTH;
  const perToken = (name: string): Value => input(name, "float32", [n]);
  const logProbs = weight("logp", "float32", [n]);
  const options: PolicyLossOptions = {
    kind: c.lossType === "cispo" || c.lossType === "sapo" ? c.lossType : "clip",
    epsilonLow: c.epsilonLow,
    epsilonHigh: c.epsilonHigh,
    delta: c.delta ?? undefined,
    level: c.importanceSamplingLevel,
    beta: c.beta,
    kl: c.klBiasCorrection === false ? "k3" : "k3-unbiased",
  };
  const loss = policyLoss(
    {
      logProbs,
      oldLogProbs: c.onPolicy ? undefined : perToken("old"),
      refLogProbs: c.beta > 0 ? perToken("ref") : undefined,
      advantages: perToken("advantages"),
      policyWeights: perToken("policy_weights"),
      klWeights: perToken("kl_weights"),
      sequence:
        c.importanceSamplingLevel === "sequence"
          ? { of: input("of", "int64", [n]), count: to - from, share: perToken("share") }
          : undefined,
      tau: c.lossType === "sapo" ? perToken("tau") : undefined,
    },
    options,
  );
  const weights = tokenWeights(counted, { ...c, generationTokens: c.numItemsInBatch });
  const correction = own.correction ? take(own.correction) : counted.map((row) => row.map(() => 1));
  const tau = own.tau ?? [1, 1.05];
  const values = {
    logp: take(logps!).flat(),
    old: take(oldLogps!).flat(),
    ref: take(refLogps!).flat(),
    advantages: take(rowAdvantages as unknown as number[]).flatMap((a) => Array(LENGTH).fill(a)),
    policy_weights: weights.flatMap((row, i) => row.map((w, t) => w * (correction[i]![t] ?? correction[i]![0]!))),
    kl_weights: weights.flat(),
    of: counted.flatMap((row, i) => row.map(() => i)),
    share: counted.flatMap((row) =>
      row.map(
        (m) =>
          m /
          Math.max(
            1,
            row.reduce((x, y) => x + y, 0),
          ),
      ),
    ),
    tau: take(rowAdvantages as unknown as number[]).flatMap((a) => Array(LENGTH).fill(a > 0 ? tau[0] : tau[1])),
  };
  const [gradient] = gradients(loss, [logProbs]);
  const result = await evaluate({ loss, gradient: gradient! }, values);
  return { loss: result.loss![0]!, gradient: result.gradient! };
}

describe("policy losses equal TRL's", () => {
  for (const c of vectors.grpo) {
    test(c.name, async () => {
      const { mask: rowMask, importanceSamplingRatio: correction } = c.override ?? {};
      const { loss, gradient } = await compute(c.config, { mask: rowMask, correction });
      expect(Math.abs(loss - c.loss)).toBeLessThan(2e-7);
      expect(relativeError(gradient, c.dLossDLogps.flat(), 1e-3)).toBeLessThan(1e-5);
    });
  }

  test("dapo over two micro-batches sums to the whole", async () => {
    const base = vectors.grpo.find((c: { name: string }) => c.name === "dapo/eh0.28/beta0");
    const halves = await Promise.all(
      [
        [0, 3],
        [3, 6],
      ].map((rows) => compute(base.config, { rows: rows as [number, number] })),
    );
    halves.forEach(({ loss }, i) => {
      expect(loss).toBeCloseTo(vectors.microBatches.parts[i], 6);
    });
    expect(halves[0]!.loss + halves[1]!.loss).toBeCloseTo(vectors.microBatches.full, 6);
  });
});

describe("KL and clipped shares equal TRL's", () => {
  const at = (x: number[], counted: number[]): number[] => x.filter((_, t) => counted[t]);
  for (const c of vectors.grpo)
    test(c.name, () => {
      const { lossType, importanceSamplingLevel, klBiasCorrection, onPolicy, beta, ...epsilons } = c.config as Config;
      const answers = (c.override?.mask ?? mask).flatMap((counted: number[], i: number) =>
        counted.includes(1)
          ? {
              logProbs: at(logps![i]!, counted),
              old: onPolicy ? undefined : at(oldLogps![i]!, counted),
              ref: beta > 0 ? at(refLogps![i]!, counted) : undefined,
              advantage: rowAdvantages[i],
            }
          : [],
      );
      const found = policyMeasures(answers, {
        kind: lossType === "cispo" || lossType === "sapo" ? lossType : "clip",
        level: importanceSamplingLevel,
        kl: klBiasCorrection === false ? "k3" : "k3-unbiased",
        ...epsilons,
      });
      const { metrics } = c;
      expect(Math.abs(found.kl - (metrics.kl ?? 0))).toBeLessThan(1e-6);
      expect(Math.abs(found.clip_low - (metrics["clip_ratio/low_mean"] ?? 0))).toBeLessThan(1e-6);
      const high = metrics["clip_ratio/high_mean"] ?? metrics.cispo_clip_ratio ?? 0;
      expect(Math.abs(found.clip_high - high)).toBeLessThan(1e-6);
    });
});

describe("advantages equal the published ones", () => {
  for (const c of vectors.advantages)
    test(c.name, () => {
      const epsilon = c.name.startsWith("verl") ? 1e-6 : 1e-4;
      const scale = c.name.includes("batch") ? "batch" : c.name.includes("none") ? "none" : "group";
      const found = c.rewardsPerFunction
        ? normalizeThenSum(c.rewardsPerFunction, c.weights, c.numGenerations)
        : advantages(c.rewards, c.numGenerations, scale, epsilon);
      expect(relativeError(found, c.advantages)).toBeLessThan(1e-12);
    });
});

test("a group of equal rewards teaches nothing", () => {
  for (const scale of ["group", "batch", "none"] as const) expect(advantages([1, 1, 1], 3, scale)).toEqual([0, 0, 0]);
});

test("the rewards of a recipe are the published ones, each under its own name", async () => {
  const { thinkFormat, thinkAnswerFormat, softOverlong, repetition } = vectors.rewards;
  const rewards = await loadRewards<null>([
    { name: "format", weight: 1 },
    { name: "think", weight: 1 },
    { name: "length", weight: 1, margin: 20 },
    { name: "repetition", weight: 1, n: 2 },
  ]);
  expect(rewards.map((r) => r.name)).toEqual(["format", "think", "length", "repetition"]);
  const [format, think, length, repeated] = rewards.map(
    ({ score }) =>
      (text: string, tokens: number[]) =>
        score({ task: {} as Task<null>, row: null, text, tokens, maxTokens: 100 }),
  );
  expect(thinkAnswerFormat.texts.map((text: string) => format!(text, []))).toEqual(thinkAnswerFormat.rewards);
  expect(thinkFormat.texts.map((text: string) => think!(text, []))).toEqual(thinkFormat.rewards);
  const overlong = softOverlong.lengths.map((n: number) => length!("", Array(n).fill(1)));
  expect(relativeError(overlong, softOverlong.rewards)).toBeLessThan(1e-12);
  const repetitions = repetition.tokens.map((tokens: number[]) => repeated!("", tokens));
  expect(relativeError(repetitions, repetition.rewards)).toBeLessThan(1e-12);
});

describe("schedules equal transformers'", () => {
  for (const c of vectors.schedules)
    test(c.name, () => {
      const kind = c.name.startsWith("cosine") ? "cosine" : c.name.startsWith("linear") ? "linear" : "constant";
      const found = c.multiplier.map((_: number, step: number) =>
        scheduleFactor(step, { kind, warmupSteps: c.warmup, totalSteps: c.steps, minFactor: c.args?.min_lr_rate }),
      );
      expect(relativeError(found, c.multiplier)).toBeLessThan(1e-12);
    });
});

test("AdamW with clipping takes torch's steps", () => {
  const { init, lr, betas, eps, weightDecay, maxGradNorm, grads, steps } = vectors.adamw;
  const w = Float32Array.from(init as number[]);
  const moments = newMoments(w.length);
  grads.forEach((g: number[], i: number) => {
    const gradient = Float32Array.from(g);
    const norm = globalNorm([gradient]);
    expect(norm).toBeCloseTo(steps[i].gradNorm, 6);
    adamw(w, gradient, moments, i + 1, lr, clipFactor(norm, maxGradNorm), { betas, epsilon: eps, weightDecay });
    expect(relativeError(w, steps[i].params)).toBeLessThan(1e-6);
  });
});

test("best-fit decreasing packs as TRL does", () => {
  // The file's second case cuts rows that are too long ("bfd_split"): that would cut pictures, so here rows are left out whole.
  const [bfd] = vectors.packing;
  const lengths = bfd.sequences.map((s: number[]) => Math.min(s.length, bfd.seqLength));
  expect(packBestFit(lengths, bfd.seqLength).map((bin) => bin.map((i) => lengths[i]))).toEqual(bfd.packed.seq_lengths);
});

test("prompts are repeated in TRL's order", () => {
  expect(repeatedOrder([0, 1, 2, 3, 4, 5, 6], { numGenerations: 2, promptsPerBatch: 3, repeats: 2 })).toEqual(
    vectors.sampleOrder.indices,
  );
});
