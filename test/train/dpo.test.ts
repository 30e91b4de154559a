/** @file Training on preference pairs: from the loss of a pair in branches to runs that are killed, stopped and resumed. */

import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { openModelCheckpoint } from "../../src/compile/index.ts";
import { FlashVL } from "../../src/node/index.ts";
import { accumulate } from "../../src/train/accumulate.ts";
import { fillInputs, toBatches } from "../../src/train/data/batches.ts";
import type { Preference } from "../../src/train/data/parse-preference.ts";
import { createDpoStep } from "../../src/train/dpo-step.ts";
import {
  createStepSession,
  type DpoRecipe,
  encodePair,
  encodeSample,
  fillDpo,
  loadParameters,
  nativeTraining,
  type PairSequence,
  parseRecipe,
  preferenceStep,
  readSampleContext,
  runRecipe,
  type ScoredAnswer,
  sftGraph,
} from "../../src/train/index.ts";
import { sumsOf } from "../../src/train/pair-scores.ts";
import { preferenceOptions } from "../../src/train/recipe/dpo-keys.ts";
import type { PairSums } from "../../src/train/reference-sums.ts";
import { familyFolder } from "../engine/support/golden.ts";
import { relativeError } from "./evaluate.ts";
import { expectSameCheckpoint, killAt, recordsOf } from "./kill-run.ts";

const GOLDEN = fileURLToPath(new URL("../golden/static-tiny", import.meta.url));
const COLORS = ["red", "green", "blue", "white", "black", "gray"];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-dpo-"));
  await mkdir(join(folder, "model"));
  for (const name of await readdir(GOLDEN))
    if (
      /^(config|tokenizer.*|added_tokens|generation_config|preprocessor_config)\.json$|^model\.safetensors$/.test(name)
    )
      await cp(join(GOLDEN, name), join(folder, "model", name));
  const rows: object[] = [];
  for (const [i, color] of COLORS.entries()) {
    const create = { width: 40 + i, height: 30, channels: 3 as const, background: color };
    await sharp({ create })
      .png()
      .toFile(join(folder, `${color}.png`));
    const other = COLORS[(i + 1) % COLORS.length]!;
    rows.push({ image: `${color}.png`, question: "Which colour?", chosen: color, rejected: `no ${other}` });
    rows.push({ image: `${color}.png`, question: "<image>\nIs it red?", chosen: "it is", rejected: "no" });
  }
  await writeFile(join(folder, "pairs.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
});
afterAll(() => rm(folder, { recursive: true }));

const BASE = {
  stage: "dpo",
  model: "model",
  seed: 5,
  steps: 5,
  data: { file: "pairs.jsonl" },
  pairsPerStep: 3,
  batch: { images: 2, rows: 2, length: 80, labels: 32, headChunk: 16 },
  optimizer: { learningRate: 0.001, schedule: { kind: "cosine", warmupSteps: 1 } },
  saveEvery: 2,
  threads: 1,
};
let recipes = 0;
async function recipe(more: object): Promise<string> {
  const path = join(folder, `recipe${recipes++}.yaml`);
  await writeFile(path, stringify({ ...BASE, ...more }));
  return path;
}

describe("a pair in branches", () => {
  const PAIRS: Preference[] = [
    ["Which colour is this?", "a pale red", "blue"],
    ["Is it red?", "no", "yes, as far as one can see"],
    ["Which colour is this?", "a pale red, I think", "a pale blue"], // the first words stand there once
  ].map(([question, chosen, rejected], i) => ({
    prompt: [
      {
        role: "user",
        content: [
          { type: "image", image: `${COLORS[i]}.png` },
          { type: "text", text: question! },
        ],
      },
    ],
    chosen: chosen!,
    rejected: rejected!,
  }));

  test.each([
    ["DPO", {}],
    ["MPO with two graph runs", { lossType: "mpo", batchSize: 1 }],
    ["IPO with length desensitisation", { lossType: "ipo", beta: 0.4, ldAlpha: 0.5 }],
    ["BCO less a running mean", { lossType: "bco_pair", bcoShift: "running" }],
  ])("%s: loss and gradients are those of the conversations by themselves", async (_, more) => {
    const { checkpoint, config } = await openModelCheckpoint(join(folder, "model"), {});
    const store = await loadParameters(config, checkpoint);
    await checkpoint.close();
    const context = await readSampleContext(join(folder, "model"));
    const keys = parseRecipe({
      ...BASE,
      ...more,
      batch: { images: 4, rows: 2, length: 240, labels: 96, headChunk: 48 },
    });
    const filled = fillDpo(keys as Parameters<typeof fillDpo>[0], config, undefined) as DpoRecipe;
    const located = PAIRS.map((pair) => ({
      ...pair,
      prompt: pair.prompt.map((turn) => ({
        ...turn,
        content: (turn.content as { type: string; image?: string }[]).map((part) =>
          part.image ? { ...part, image: join(folder, part.image) } : part,
        ) as never,
      })),
    }));
    const pairs = await Promise.all(located.map((pair) => encodePair(context, pair)));
    const shared = located.flatMap((pair) =>
      [pair.chosen, pair.rejected].map((content) => [...pair.prompt, { role: "assistant" as const, content }]),
    );
    const alone = await Promise.all(shared.map((messages) => encodeSample(context, messages)));

    // ---- each conversation by itself: the existing pass, first for log-probabilities and then with weights for tokens
    const trained = store.parameters.map(({ name }) => name);
    const shape = { images: 1, rows: 1, length: 80, labels: 32, headChunk: 32 };
    const single = await createStepSession(sftGraph(config, shape), store, {
      on: nativeTraining(),
      threads: 1,
      trained,
    });
    const pass = async (of: (typeof alone)[number], tokens: readonly number[]): Promise<number[]> => {
      for await (const batch of toBatches(iterate([of]), shape, 0)) {
        const weights = (single.inputs.get("weights")!.data as Float32Array).fill(0);
        fillInputs(single.inputs, batch, shape, config.windowTokens, (label, __, k) => {
          weights[label] = tokens[k] ?? 0;
        });
        await single.run();
      }
      return Array.from((single.outputs.get("log_probs")!.data as Float32Array).slice(0, of.targets.length));
    };
    const logProbs: number[][] = [];
    for (const conversation of alone) logProbs.push(await pass(conversation, []));
    const bare = (p: number[]): Omit<ScoredAnswer, "reference"> => ({
      logProbs: p,
      entropy: p,
      meanLogit: p,
      correct: p,
    });
    const known = new Map<PairSequence, PairSums>(
      pairs.map((pair, i) => {
        const moved = (p: number[], by: number) => bare(p.map((x) => x + by));
        return [
          pair,
          sumsOf(pair, { chosen: moved(logProbs[2 * i]!, 0.1), rejected: moved(logProbs[2 * i + 1]!, -0.2) }),
        ];
      }),
    );
    const sumOf = ({ all, shared: both }: PairSums["chosen"]) => both + filled.ldAlpha * (all - both);
    const scored = pairs.map((pair, i) => ({
      chosen: { ...bare(logProbs[2 * i]!), reference: sumOf(known.get(pair)!.chosen) },
      rejected: { ...bare(logProbs[2 * i + 1]!), reference: sumOf(known.get(pair)!.rejected) },
    }));
    const first = preferenceStep(scored, preferenceOptions(filled));
    const shift =
      filled.bcoShift === "running" ? (first.metrics["rewards/chosen"] + first.metrics["rewards/rejected"]) / 2 : 0;
    const expected = preferenceStep(scored, { ...preferenceOptions(filled), shift });
    const summed = accumulate(single.gradients, 2);
    summed.begin(alone.length);
    for (const [i, conversation] of alone.entries()) {
      const { chosen, rejected } = expected.weights[Math.floor(i / 2)]!;
      await pass(
        conversation,
        (i % 2 === 0 ? chosen : rejected).map((w) => -w),
      ); // that loss is of -log p
      summed.add();
    }
    await summed.finish();

    // ---- the pairs as they are trained
    const step = await createDpoStep(config, { store, trained }, filled, { mean: 0, updates: 0 });
    const accumulated = accumulate(step.gradients, Number.POSITIVE_INFINITY);
    try {
      const { loss } = await step.run(pairs, (pair) => known.get(pair)!, accumulated);
      expect(loss).toBeCloseTo(expected.loss, 4);
      const largest = Math.max(
        ...[...summed.gradients.values()].map((g) => g.reduce((m, x) => Math.max(m, Math.abs(x)), 0)),
      );
      expect(largest).toBeGreaterThan(0);
      for (const [name, gradient] of summed.gradients)
        expect(relativeError(accumulated.gradients.get(name)!, gradient, largest), name).toBeLessThan(1e-5);
    } finally {
      await step.dispose();
      await single.dispose();
    }
  });
});

async function* iterate<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

test.each([
  ["whole weights", { lossType: "mpo", bcoShift: "running", validation: { every: 2, samples: 2 } }],
  ["a LoRA", { lora: { rank: 4 } }],
])("%s: straight equals kill -9 and resume, bit for bit", async (name, more) => {
  const path = await recipe(more);
  const [straight, cut] = [join(folder, `${name} straight`), join(folder, `${name} cut`)];
  const printed: string[] = [];
  await runRecipe(path, { run: straight, print: (line) => printed.push(line) });
  await killAt(path, cut, 3);
  await runRecipe(path, { run: cut, resume: true });
  const metrics = await recordsOf(straight);
  expect(await recordsOf(cut)).toEqual(metrics);
  await expectSameCheckpoint([straight, cut], 5);
  expect(metrics.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
  for (const key of [
    "rewards/chosen",
    "rewards/rejected",
    "rewards/margins",
    "logps/chosen",
    "logits/rejected",
    "entropy",
  ])
    expect(metrics[0]).toHaveProperty(key);
  const first = printed.find((line) => line.startsWith("first loss"))!;
  const [, found, expected] = /first loss ([\d.]+), expected ([\d.]+)/.exec(first)!.map(Number);
  expect(found).toBeCloseTo(expected!, 3);
  if (name === "a LoRA") expect(found).toBeCloseTo(Math.LN2, 3);
  expect(metrics.at(-1)!["rewards/margins"]).toBeGreaterThan(metrics[0]!["rewards/margins"]!);
  const model = await FlashVL.fromPretrained(join(straight, "last"), { threads: 1, cacheDir: join(folder, "cache") });
  expect(
    typeof (await model.chat(join(folder, "red.png"), [{ role: "user", content: "Which?" }], { maxNewTokens: 2 })),
  ).toBe("string");
  await model.dispose();
});

test("the reference's sums go on where they were stopped, are computed once, and never of another model", async () => {
  const path = await recipe({ steps: 1 });
  const [whole, cut] = [join(folder, "sums"), join(folder, "sums-cut")];
  await runRecipe(path, { run: whole });
  const sums = await readFile(join(whole, "reference.jsonl"), "utf8");
  const [head, batch] = sums.split("\n");
  await mkdir(cut);
  await writeFile(join(cut, "reference.jsonl"), `${head}\n${batch}\n{"pairs":[["half`);
  const printed: string[] = [];
  await runRecipe(path, { run: cut, print: (line) => printed.push(line) });
  expect(await readFile(join(cut, "reference.jsonl"), "utf8")).toBe(sums);
  expect(printed).toContainEqual(expect.stringMatching(/computing the reference's sums; 2 pairs are known/));
  printed.length = 0;
  await rm(join(cut, "checkpoints"), { recursive: true });
  await runRecipe(path, { run: cut, print: (line) => printed.push(line) });
  expect(printed.join("\n")).not.toContain("computing");
  // Sums of another model are noticed by their hash.
  await writeFile(join(cut, "reference.jsonl"), sums.replace(/"reference":"./, '"reference":"x'));
  await rm(join(cut, "checkpoints"), { recursive: true });
  await runRecipe(path, { run: cut, print: (line) => printed.push(line) });
  expect(printed.join("\n")).toContain("is of another model or precision; the reference's sums are computed anew");
  expect(await readFile(join(cut, "reference.jsonl"), "utf8")).toBe(sums);
});

test("a frozen tower sees each picture once: its tokens are kept, and a run without them is the same, bit for bit", async () => {
  const frozen = { lora: { rank: 4 }, steps: 3 };
  const [kept, bare] = [join(folder, "kept"), join(folder, "bare")];
  const path = await recipe(frozen);
  await runRecipe(path, { run: kept });
  const files = async () => {
    const entries = await readdir(join(kept, "picture-tokens"), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  };
  const made = await files();
  expect(made).toHaveLength(COLORS.length);
  await runRecipe(await recipe({ ...frozen, keepPictures: 0 }), { run: bare });
  expect(await recordsOf(bare)).toEqual(await recordsOf(kept));
  expect(await readdir(bare)).toContain("picture-tokens");
  // What is there is used: other tokens of every picture are other losses. A cut file is made anew.
  const whole = await readFile(made[0]!);
  for (const file of made) await writeFile(file, new Uint8Array(whole.length));
  await writeFile(made[0]!, whole.subarray(4));
  for (const name of ["checkpoints", "reference.jsonl"]) await rm(join(kept, name), { recursive: true });
  await runRecipe(path, { run: kept });
  expect(await readFile(made[0]!)).toEqual(whole);
  expect((await recordsOf(kept)).at(-1)!.loss).not.toBe((await recordsOf(bare)).at(-1)!.loss);
});

test("a first loss that is far from the expected one is warned of", async () => {
  const path = await recipe({ steps: 1, saveEvery: 100 });
  const run = join(folder, "far");
  await runRecipe(path, { run });
  const file = join(run, "reference.jsonl");
  const [head, ...lines] = (await readFile(file, "utf8")).trim().split("\n");
  const wrong = lines.map((line) => {
    const { pairs } = JSON.parse(line) as { pairs: [string, number, number, number, number][] };
    return JSON.stringify({ pairs: pairs.map(([key, c, s, ...rejected]) => [key, c - 9, s - 9, ...rejected]) });
  });
  await writeFile(file, `${[head, ...wrong].join("\n")}\n`);
  await rm(join(run, "checkpoints"), { recursive: true });
  const printed: string[] = [];
  await runRecipe(path, { run, print: (line) => printed.push(line) });
  expect(printed).toContainEqual(expect.stringMatching(/^warning: the first loss is far from the expected one/));
});

test("a recipe fills itself; several pictures in tiles and a conversation before the question are part of the prompt", async () => {
  const images = ["square.png", "wide.png"].map((name) => join(familyFolder("internvl3-tiny"), "images", name));
  const turn = (role: string, content: string) => ({ role, content });
  const rows = [1, 2, 3].map((n) => ({
    images,
    prompt: [
      turn("user", "<image>\n<image>\nCompare."),
      turn("assistant", "Done."),
      turn("user", `Which is dearer, ${n}?`),
    ],
    chosen: [turn("assistant", "the second")],
    rejected: [turn("assistant", "neither of them")],
  }));
  await writeFile(join(folder, "tiles.json"), JSON.stringify(rows));
  const path = join(folder, "tiles.yaml");
  await writeFile(
    path,
    stringify({
      stage: "dpo",
      model: familyFolder("internvl3-tiny"),
      data: { file: "tiles.json" },
      pairsPerStep: 2,
      threads: 1,
    }),
  );
  const run = join(folder, "tiles");
  const printed: string[] = [];
  await runRecipe(path, { run, print: (line) => printed.push(line) });
  expect(printed).toContainEqual(expect.stringMatching(/^2 steps of 2 pairs are 1\.33 epochs of 3 rows/));
  const metrics = await recordsOf(run);
  expect(metrics[0]!.loss).toBeCloseTo(Math.LN2, 4);
  expect(metrics[0]!["logps/chosen"]).toBeLessThan(0);
});

test("rows that do not fit are left out and counted, and a step takes the next ones", async () => {
  const long = { image: "red.png", question: "Which colour?", chosen: "red ".repeat(40), rejected: "no" };
  const rows = (await readFile(join(folder, "pairs.jsonl"), "utf8")).split("\n");
  await writeFile(join(folder, "long.jsonl"), [JSON.stringify(long), ...rows].join("\n"));
  const printed: string[] = [];
  const path = await recipe({ data: { file: "long.jsonl" }, steps: 5 });
  await runRecipe(path, { run: join(folder, "long"), print: (line) => printed.push(line) });
  expect(printed).toContainEqual(expect.stringMatching(/left out .*long\.jsonl:1 \(too long\): \d+ tokens/));
  const { samples } = (await recordsOf(join(folder, "long"))).at(-1)!;
  expect(samples).toBeGreaterThan(15);
});

describe("what a recipe cannot mean is refused by name", () => {
  test.each([
    [
      { labelSmoothing: 0.1 },
      /labelSmoothing: only the losses cdpo, robust, exo_pair have it; cdpo is sigmoid with it/,
    ],
    [{ lossType: "robust" }, /labelSmoothing: missing/],
    [{ lossType: ["sigmoid", "sft"], lossWeights: [1] }, /lossWeights: found 1 for the losses sigmoid, sft/],
    [{ divergence: "alpha_divergence" }, /divergenceAlpha: expected/],
    [{ discopopTau: 0.1 }, /discopopTau: only/],
    [{ bcoShift: "running" }, /bcoShift: only the loss bco_pair/],
    [{ lossType: "mpo", wpo: true }, /wpo: weighs pairs/],
    [{ lora: { dropout: 0.1 } }, /lora\.dropout: the reference's sums are without dropout/],
    [{ lossType: "dpo" }, /lossType/],
    [{ loss_type: "sigmoid" }, /did you mean "lossType"\?/],
    [{ pref_beta: 0.1 }, /did you mean "beta"\?/],
    [{ pref_ftx: 1 }, /add sft to lossType/],
  ])("%j", (more, message) => {
    expect(() => parseRecipe({ ...BASE, ...more })).toThrow(message);
  });
});
