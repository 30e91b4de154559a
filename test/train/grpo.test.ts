/** @file GRPO end to end on a tiny random model: it learns what is rewarded, and a cut run ends like a straight one. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RgbImage } from "../../src/processor/index.ts";
import type { Task } from "../../src/tasks/index.ts";
import { type GrpoRecipe, parseRecipe, trainGrpo } from "../../src/train/index.ts";

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
    data: { market: {} },
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

test("where the prompts are fewer than the updates asked for, each update keeps its share of the loss", async () => {
  const logs = [];
  for (const updatesPerRollout of [2, 3]) {
    const run = join(folder, `updates-${updatesPerRollout}`);
    await trainGrpo(recipe({ steps: 2, promptsPerStep: 2, updatesPerRollout }), { run, task, rows });
    logs.push(withoutTimes(await metrics(run)));
  }
  expect(logs[1]).toEqual(logs[0]);
});
