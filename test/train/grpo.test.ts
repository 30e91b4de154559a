/** @file GRPO end to end on a tiny random model: it learns what is rewarded, and a cut run ends like a straight one. */

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { RgbImage } from "../../src/processor/index.ts";
import { environment } from "../../src/runtime/ort/environment.ts";
import type { Task } from "../../src/tasks/index.ts";
import { completionSequences } from "../../src/train/data/completions.ts";
import { type GrpoRecipe, parseRecipe, trainGrpo } from "../../src/train/index.ts";
import type { Completion } from "../../src/train/rollout.ts";

const model = new URL("../golden/static-tiny", import.meta.url).pathname;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "grpo-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Row {
  readonly image: RgbImage;
  readonly question: string;
}

const picture = (shade: number): RgbImage => ({ data: new Uint8Array(16 * 16 * 3).fill(shade), width: 16, height: 16 });
const rowAt = (i: number): Row => ({ image: picture((i * 37) % 256), question: `What is number ${i % 5}?` });

/** Rewards answers by their share of digits and points: a random model can learn that in a few steps. */
const task: Task<Row> = {
  name: "digits",
  async *rows() {
    yield rowAt(0);
  },
  prompt: ({ image, question }) => ({ images: [image], messages: [{ role: "user", content: question }] }),
  score(_, answer) {
    const value = answer.length ? (answer.match(/[0-9.]/g) ?? []).length / answer.length : 0;
    return { correct: value === 1, value, detail: `${value}` };
  },
};

async function* rows(start: number): AsyncGenerator<Row> {
  for (let i = start; ; i++) yield rowAt(i);
}

const recipe = (changes: object = {}): GrpoRecipe =>
  parseRecipe({
    stage: "grpo",
    model,
    seed: 3,
    steps: 6,
    data: { source: "digits.ts" },
    optimizer: { learningRate: 0.003, schedule: { kind: "constant" } },
    batch: { images: 4, rows: 4, length: 160, labels: 256 },
    groupSize: 6,
    promptsPerStep: 3,
    rollout: { maxNewTokens: 10 },
    rewards: [{ name: "accuracy", partial: true }],
    saveEvery: 2,
    evalEvery: 3,
    threads: 1,
    ...changes,
  }) as GrpoRecipe;

const metrics = async (run: string): Promise<Record<string, number>[]> =>
  (await readFile(join(run, "metrics.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const withoutTimes = (rows: Record<string, number>[]) =>
  rows.map((row) => Object.fromEntries(Object.entries(row).filter(([k]) => !k.endsWith("_ms"))));
const weights = (checkpoint: string) => readFile(join(checkpoint, "training.safetensors"));

test("the reward rises, and the engine samples from the very policy that is trained", async () => {
  const run = join(folder, "learns");
  await trainGrpo(recipe({ steps: 14 }), { run, task, rows, heldOut: [rowAt(1), rowAt(2)] });
  const log = await metrics(run);
  const mean = (part: Record<string, number>[]) => part.reduce((s, m) => s + m.reward!, 0) / part.length;
  expect(mean(log.slice(-4))).toBeGreaterThan(mean(log.slice(0, 4)) + 0.05);
  for (const m of log) expect(m.sampling_difference).toBeLessThan(1e-3);
  expect(log.some((m) => m.eval_accuracy !== undefined)).toBe(true);
  const completions = (await readFile(join(run, "completions.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(completions).toHaveLength(14 * 18);
  expect(Object.keys(completions[0])).toEqual(["step", "prompt", "answer", "rewards", "reward", "advantage"]);
});

test("a LoRA learns: the engine answers with its merged weights, the reference stays the base", async () => {
  const run = join(folder, "lora");
  const lora = { rank: 4, alpha: 32 };
  const optimizer = { learningRate: 0.01, schedule: { kind: "constant" } };
  await trainGrpo(recipe({ steps: 36, lora, optimizer, beta: 0.001, updatesPerRollout: 2 }), { run, task, rows });
  const log = await metrics(run);
  const mean = (part: Record<string, number>[]) => part.reduce((s, m) => s + m.reward!, 0) / part.length;
  expect(mean(log.slice(-3))).toBeGreaterThan(mean(log.slice(0, 2)) + 0.05);
  for (const m of log) expect(m.sampling_difference).toBeLessThan(1e-3);
  expect(log.at(-1)!.kl).toBeGreaterThan(0);
  expect((await readdir(join(run, "last"))).sort()).toEqual([
    "adapter_config.json",
    "adapter_model.safetensors",
    "progress.json",
    "training.safetensors",
  ]);
  expect(() => recipe({ lora: { dropout: 0.1 } })).toThrow(/lora\.dropout: answers are drawn without dropout/);
  expect(() => recipe({ lora, train: ["decoder"] })).toThrow(/found both train and lora/);
});

test("new weights reach the engine and the loss without a graph being loaded again", async () => {
  // Whatever is loaded, by the engine or by training, goes through this function of ONNX Runtime.
  const calls = vi.spyOn(environment().api, "checkAsync");
  const loads = () => calls.mock.calls.filter(([, name]) => name.startsWith("CreateSession")).length;
  const loaded: number[] = [];
  try {
    const print = () => void loaded.push(loads());
    await trainGrpo(recipe({ steps: 6, updatesPerRollout: 2, beta: 0.1 }), {
      run: join(folder, "loads"),
      task,
      rows,
      print,
    });
    // The policy's loss and scores, the reference's scores, and the engine's graphs.
    expect(loaded[0]).toBeGreaterThan(3);
    expect(loaded).toEqual(Array(3).fill(loaded[0]));
    expect(loads()).toBe(loaded[0]);
  } finally {
    calls.mockRestore();
  }
});

test("where all rewards are equal, others are drawn as often as asked for, and nothing is learnt", async () => {
  const run = join(folder, "equal");
  const worthless: Task<Row> = { ...task, score: () => ({ correct: false, value: 0.5, detail: "" }) };
  await trainGrpo(recipe({ steps: 1, resampleTries: 2 }), { run, task: worthless, rows });
  const [found] = await metrics(run);
  expect(found).toMatchObject({ reward: 0.5, reward_std: 0, frac_reward_zero_std: 1, grad_norm: 0, prompts: 3 * 3 });
  for (const [name, value] of Object.entries(found!)) expect(Number.isFinite(value), name).toBe(true);
});

test("truncated answers carry no gradient where they are masked", async () => {
  const run = join(folder, "masked");
  // One token is never enough. Answers are paid by what they say, so that advantages alone would move the weights.
  const paid: Task<Row> = {
    ...task,
    score: (_, text) => ({ correct: false, value: ((text.charCodeAt(0) || 0) % 7) / 7, detail: "" }),
  };
  for (const maskTruncated of [true, false])
    await trainGrpo(recipe({ steps: 1, rollout: { maxNewTokens: 1 }, maskTruncated }), {
      run: `${run}-${maskTruncated}`,
      task: paid,
      rows,
    });
  const [masked, unmasked] = [(await metrics(`${run}-true`))[0]!, (await metrics(`${run}-false`))[0]!];
  expect(masked).toMatchObject({ grad_norm: 0, loss: 0, "completions/clipped_ratio": 1 });
  expect(masked.reward_std).toBeGreaterThan(0);
  expect(unmasked.grad_norm).toBeGreaterThan(0);
  expect(unmasked.reward_std).toBe(masked.reward_std);
});

test("weights that blow up end the run, named with the step, and no bad checkpoint is written", async () => {
  const run = join(folder, "blown");
  const optimizer = { learningRate: 1e30, schedule: { kind: "constant" } };
  const running = trainGrpo(recipe({ optimizer, saveEvery: 1 }), { run, task, rows });
  await expect(running).rejects.toThrow(
    expect.objectContaining({
      name: "NotFiniteError",
      message: expect.stringMatching(/^step 2: no answer can be drawn .* not finite: the logits themselves/),
    }),
  );
  expect(await readdir(join(run, "checkpoints"))).toEqual(["step-0000001"]);
  // Of a rate that makes the weights themselves infinite, no checkpoint is left at all.
  const infinite = recipe({ optimizer: { ...optimizer, learningRate: 1e39 }, steps: 1 });
  const saving = trainGrpo(infinite, { run: `${run}-at-once`, task, rows });
  await expect(saving).rejects.toThrow(/^step 1: the weight llm\.\S+ is not finite/);
  expect(await readdir(join(`${run}-at-once`, "checkpoints"))).toEqual([]);
});

describe("a group of answers as training sequences", () => {
  const answer = (token: number, length: number): Completion => ({
    text: "",
    tokens: Array(length).fill(token),
    logProbs: Array(length).fill(-1),
    truncated: false,
    rewards: [1],
    reward: 1,
  });
  const group = {
    row: null,
    promptIds: [1, -200, -200, 2],
    pictures: [new Float32Array(3)],
    answers: [3, 1, 2, 3, 2, 1].map((length, i) => answer(10 + i, length)),
  };
  const limits = { length: 16, labels: 12, images: 1 };
  const make = (changes: Partial<typeof limits>) =>
    completionSequences(group, group.answers, { ...limits, ...changes });

  test("six answers stand behind one prompt with one picture, each at the prompt's end and unseen by the others", () => {
    const sequences = make({});
    expect(sequences).toHaveLength(1);
    const { ids, positions, branches, targets, pictures, origins } = sequences[0]!;
    expect(pictures).toEqual(group.pictures);
    expect(ids).toEqual([1, -200, -200, 2, 10, 10, 10, 11, 12, 12, 13, 13, 13, 14, 14, 15]);
    expect(positions).toEqual([0, 1, 2, 3, 4, 5, 6, 4, 4, 5, 4, 5, 6, 4, 5, 4]);
    expect(branches).toEqual([0, 0, 0, 0, 1, 1, 1, 2, 3, 3, 4, 4, 4, 5, 5, 6]);
    // Each first token is predicted by the prompt's last one.
    expect(targets.map(([before]) => before)).toEqual([3, 4, 5, 3, 3, 8, 3, 10, 11, 3, 13, 3]);
    expect(targets.map(([, id]) => id)).toEqual(ids.slice(4));
    expect(origins.map(({ answer, token }) => answer.tokens[token])).toEqual(ids.slice(4));
  });

  test.each([
    ["row", { length: 15 }],
    ["number of labels", { labels: 11 }],
  ])("a %s too small for all six gives two sequences, each with the prompt and its picture", (_, changes) => {
    const sequences = make(changes);
    expect(sequences.map((s) => s.ids.length)).toEqual([15, 5]);
    expect(sequences[1]).toMatchObject({ ids: [1, -200, -200, 2, 15], positions: [0, 1, 2, 3, 4], targets: [[3, 15]] });
    for (const { pictures } of sequences) expect(pictures).toEqual(group.pictures);
  });
});

test.each([
  ["on-policy", {}],
  [
    "reused batches with a reference",
    { updatesPerRollout: 3, reuse: 2, beta: 0.04, lossType: "grpo", epsilonHigh: 0.28 },
  ],
  [
    "whole-sequence ratios, truncated answers masked",
    { reuse: 2, importanceLevel: "sequence", maskTruncated: true, lossType: "dr_grpo" },
  ],
  ["a soft gate at another temperature", { lossType: "sapo", rollout: { maxNewTokens: 10, temperature: 0.8 } }],
])("%s: a run that was cut equals a straight one, bit for bit", async (name, changes) => {
  const [straight, cut] = [join(folder, `${name}-a`), join(folder, `${name}-b`)];
  const per =
    ("updatesPerRollout" in changes ? changes.updatesPerRollout! : 1) * ("reuse" in changes ? changes.reuse! : 1);
  const whole = { ...changes, steps: 4 * per, saveEvery: 2 * per };
  const a = await trainGrpo(recipe(whole), { run: straight, task, rows });
  const stop = new AbortController();
  let steps = 0;
  await trainGrpo(recipe(whole), {
    run: cut,
    task,
    rows,
    signal: stop.signal,
    print: () => ++steps === 3 && stop.abort(),
  });
  const b = await trainGrpo(recipe(whole), { run: cut, task, rows });
  expect(Buffer.compare(await weights(a), await weights(b))).toBe(0);
  expect(withoutTimes(await metrics(cut))).toEqual(withoutTimes(await metrics(straight)));
});

test("a frozen tower runs for the answers only, and what is learnt is the same", async () => {
  // At such a rate the adapter is in the graph and stays as it is; its gradient must not count in the norm that is clipped.
  const learningRate = { tower: 1e-12, adapter: 1e-12, decoder: 0.003, auxiliary: 1e-12 };
  const optimizer = { learningRate, schedule: { kind: "constant" }, maxNorm: 1e9 };
  const run = async (name: string, train: string[]) => {
    await trainGrpo(recipe({ steps: 3, beta: 0.1, train, optimizer }), {
      run: join(folder, name),
      task,
      rows,
    });
    return metrics(join(folder, name));
  };
  const [tokens, pixels] = [await run("tokens", ["decoder"]), await run("pixels", ["adapter", "decoder"])];
  tokens.forEach((step, i) => {
    expect(step.reward).toBe(pixels[i]!.reward);
    for (const key of ["loss", "kl", "entropy"]) expect(step[key]).toBeCloseTo(pixels[i]![key]!, 4);
    expect(step.sampling_difference).toBeLessThan(1e-3);
  });
});

test("where the prompts are fewer than the updates asked for, each update keeps its share of the loss", async () => {
  const logs = [];
  for (const updatesPerRollout of [2, 3]) {
    const run = join(folder, `updates-${updatesPerRollout}`);
    await trainGrpo(recipe({ steps: 2, promptsPerStep: 2, updatesPerRollout }), { run, task, rows });
    logs.push(withoutTimes(await metrics(run)));
  }
  expect(logs[1]).toEqual(logs[0]);
});
