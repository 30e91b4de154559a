/** @file Runs of supervised fine-tuning that one can trust: killed and resumed, stopped by NaN, opened by the engine. */

import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import { FlashVL } from "../../src/engine/index.ts";
import { OrtSession } from "../../src/engine/runtime/session.ts";
import { openCheckpoint, openSafetensors, toF32, writeSafetensors } from "../../src/hub/index.ts";
import { parseConfig } from "../../src/model/index.ts";
import {
  createStepSession,
  loadParameters,
  mergeAdapter,
  parseRecipe,
  readRecipe,
  runRecipe,
  sftGraph,
} from "../../src/train/index.ts";
import { expectSameCheckpoint, killAt, recordsOf } from "./kill-run.ts";

const GOLDEN = fileURLToPath(new URL("../golden/static-tiny", import.meta.url));
const COLORS = ["red", "green", "blue", "white", "black", "gray"];
let folder: string;
let model: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-sft-"));
  model = join(folder, "model");
  await mkdir(model);
  for (const name of await readdir(GOLDEN))
    if (
      /^(config|tokenizer.*|added_tokens|generation_config|preprocessor_config)\.json$|^model\.safetensors$/.test(name)
    )
      await cp(join(GOLDEN, name), join(model, name));
  const lines: string[] = [];
  for (const [i, color] of COLORS.entries()) {
    const create = { width: 40 + i, height: 30, channels: 3 as const, background: color };
    await sharp({ create })
      .png()
      .toFile(join(folder, `${color}.png`));
    const ask = (question: string, answer: string) =>
      lines.push(
        JSON.stringify({
          image: `${color}.png`,
          conversations: [
            { from: "human", value: `<image>\n${question}` },
            { from: "gpt", value: answer },
          ],
        }),
      );
    ask("Which colour?", color);
    ask("Is it red?", color === "red" ? "yes" : "no");
  }
  await writeFile(join(folder, "data.jsonl"), lines.join("\n"));
});
afterAll(() => rm(folder, { recursive: true }));

let recipes = 0;
async function recipe(more: object): Promise<string> {
  const path = join(folder, `recipe${recipes++}.yaml`);
  const content = {
    stage: "sft",
    model: "model",
    seed: 5,
    steps: 6,
    data: { file: "data.jsonl" },
    validation: { every: 2, samples: 3 },
    batch: { images: 2, rows: 2, length: 80, labels: 32, headChunk: 16 },
    accumulate: 2,
    optimizer: { learningRate: 0.003, schedule: { kind: "cosine", warmupSteps: 1 }, weightDecay: 0.01 },
    saveEvery: 2,
    keep: 2,
    threads: 1,
    ...more,
  };
  await writeFile(path, stringify(content));
  return path;
}

const checkpointsOf = (run: string) => readdir(join(run, "checkpoints"));
const muon = {
  optimizer: { learningRate: 0.003, muon: { momentum: 0.9 }, schedule: { kind: "cosine", warmupSteps: 1 } },
};
test.each([
  ["AdamW", "straight", {}],
  ["Muon", "straight-muon", muon],
])(
  "%s: six steps straight equal three, kill -9, resume, three more: weights, moments and metrics bit for bit",
  async (_, name, changes) => {
    const path = await recipe(changes);
    const [straight, cut] = [join(folder, name), join(folder, `${name}-cut`)];
    const printed: string[] = [];
    await runRecipe(path, { run: straight, print: (line) => printed.push(line) });
    expect(printed[0]).toBe("stage: sft"); // the recipe, with what it leaves out
    expect(printed).toContain("onBadRow: stop");
    await killAt(path, cut, 3);
    expect(await checkpointsOf(cut)).toContain("step-0000002");
    const lines: string[] = [];
    await runRecipe(path, { run: cut, resume: true, print: (line) => lines.push(line) });
    expect(lines[0]).toMatch(/resuming from .*step-000000[23]/);
    const metrics = await recordsOf(straight);
    expect(await recordsOf(cut)).toEqual(metrics);
    await expectSameCheckpoint([straight, cut], 6);
    expect((await checkpointsOf(straight)).sort()).toEqual(["step-0000004", "step-0000006"]);
    expect(metrics.at(-1)!.loss).toBeLessThan(metrics[0]!.loss!);
    const validated = metrics.filter((row) => row.eval_loss !== undefined);
    expect(validated.map((row) => row.step)).toEqual([2, 4, 6]);
    expect(metrics.filter((row) => row.eval_token_accuracy !== undefined)).toEqual(validated);
    const shares = [...metrics.map((m) => m.mean_token_accuracy!), ...validated.map((m) => m.eval_token_accuracy!)];
    for (const share of shares) expect(share >= 0 && share <= 1, `${share}`).toBe(true);
    expect(Math.max(...shares)).toBeGreaterThan(0);
  },
);

test("a folder that holds a run is not overwritten without --resume", async () => {
  const path = await recipe({});
  await expect(runRecipe(path, { run: join(folder, "straight") })).rejects.toThrow(/holds a run already/);
  expect(await recordsOf(join(folder, "straight"))).toHaveLength(6);
});

test("links to the last and the best checkpoint open as models", async () => {
  const run = join(folder, "straight");
  for (const name of ["last", "best"]) {
    const model = await FlashVL.fromPretrained(join(run, name), { threads: 1, cacheDir: join(folder, "cache") });
    const answer = await model.chat(join(folder, "red.png"), [{ role: "user", content: "Which colour?" }], {
      maxNewTokens: 4,
    });
    expect(typeof answer).toBe("string");
    await model.dispose();
  }
  expect(JSON.parse(await readFile(join(run, "versions.json"), "utf8"))).toMatchObject({ node: process.version });
  expect(await readFile(join(run, "recipe.yaml"), "utf8")).toContain("stage: sft");
});

test("a weight that is not finite stops the run, named with its step; the last good checkpoint stays", async () => {
  const run = join(folder, "nan");
  const broken = join(folder, "broken-model");
  await cp(model, broken, { recursive: true });
  const path = await recipe({ saveEvery: 1, keep: 1, validation: undefined });
  await runRecipe(await recipe({ steps: 1, saveEvery: 1, keep: 1, validation: undefined }), { run });
  // The poison sits in the saved state: a run that resumes from it meets NaN at once.
  const state = join(run, "checkpoints", "step-0000001", "training.safetensors");
  const file = await openSafetensors(state);
  const tensors = await Promise.all(
    [...file.tensors].map(async ([name, { dtype, shape }]) => {
      const bytes = await file.readTensor(name);
      if (name === "weight.llm.model.norm.weight") new Float32Array(bytes.buffer, bytes.byteOffset, 1)[0] = Number.NaN;
      return { name, dtype, shape, bytes: () => bytes };
    }),
  );
  await file.close();
  await writeSafetensors(state, tensors);
  await expect(runRecipe(path, { run, resume: true })).rejects.toThrow(
    /step 2: the loss is NaN; .*the weight llm\.model\.norm\.weight/,
  );
  expect(await checkpointsOf(run)).toEqual(["step-0000001"]);
});

test("weights that the very last update made infinite are not saved, and the first of them is named", async () => {
  const run = join(folder, "infinite");
  const optimizer = { learningRate: 1e39, schedule: { kind: "constant" } };
  const path = await recipe({ optimizer, steps: 1, accumulate: 1, validation: undefined });
  await expect(runRecipe(path, { run })).rejects.toThrow(/step 1: the weight (llm|vit|adp)\.\S+ is not finite/);
  expect(await checkpointsOf(run)).toEqual([]);
});

test("a rate that blows the weights up stops the run before a bad checkpoint is written", async () => {
  const run = join(folder, "blown");
  const optimizer = { learningRate: 1e30, schedule: { kind: "constant" } };
  const path = await recipe({ optimizer, saveEvery: 1, validation: undefined });
  await expect(runRecipe(path, { run })).rejects.toThrow(/step 2: .*(loss is NaN|not finite)/);
  expect(await checkpointsOf(run)).toEqual(["step-0000001"]);
});

test("an interrupted run saves where it is and goes on from there, past what a kill left half written", async () => {
  const run = join(folder, "interrupted");
  const path = await recipe({ saveEvery: 100, validation: undefined });
  const stop = new AbortController();
  const print = (line: string) => line.startsWith("step 3 ") && stop.abort();
  await runRecipe(path, { run, signal: stop.signal, print });
  expect(await checkpointsOf(run)).toEqual(["step-0000003"]);
  await mkdir(join(run, "checkpoints", ".writing-step-0000005-1"));
  const lines: string[] = [];
  await runRecipe(path, { run, resume: true, print: (line) => lines.push(line) });
  expect(lines[0]).toMatch(/resuming from .*step-0000003$/);
  expect((await checkpointsOf(run)).sort()).toEqual(["step-0000003", "step-0000006"]);
  expect((await recordsOf(run)).map((row) => row.step)).toEqual([1, 2, 3, 4, 5, 6]);
});

test("training stops early when validation does not improve, and stays so when it is resumed", async () => {
  const run = join(folder, "patient");
  const optimizer = { learningRate: 1e-30, schedule: { kind: "constant" } };
  const path = await recipe({ optimizer, patience: 2, steps: 50 });
  await runRecipe(path, { run });
  expect((await recordsOf(run)).at(-1)!.step).toBe(6);
  await runRecipe(path, { run, resume: true });
  expect((await recordsOf(run)).at(-1)!.step).toBe(6);
});

/** What a model that a run saved has other than the one it began with. */
async function changedTensors(saved: string): Promise<string[]> {
  const [after, before] = await Promise.all([saved, model].map(openCheckpoint));
  try {
    const names = [...after!.tensors.keys()];
    const same = await Promise.all(
      names.map(async (name) => {
        const [a, b] = await Promise.all([after!.readTensor(name), before!.readTensor(name)]);
        return Buffer.compare(a, b) === 0;
      }),
    );
    return names.filter((_, i) => !same[i]);
  } finally {
    await Promise.all([after!.close(), before!.close()]);
  }
}

const constant = { learningRate: 0.003, schedule: { kind: "constant" } };
test.each([
  ["tower", "vit"],
  ["adapter", "adp"],
  ["decoder", "llm"],
])("only the %s changes where only that is trained", async (part, prefix) => {
  const path = await recipe({ train: [part], steps: 1, accumulate: 1, optimizer: constant, validation: undefined });
  const { last } = await runRecipe(path, { run: join(folder, `only-${part}`) });
  const changed = await changedTensors(last);
  expect(changed.length).toBeGreaterThan(0);
  expect(changed.filter((name) => !name.startsWith(`${prefix}.`))).toEqual([]);
});

test("accumulation and packing divide by the true number of trained tokens, however samples are spread", async () => {
  // Answers of 1, 2, 4 and 8 words: no two halves have as many trained tokens.
  const rows = [1, 2, 4, 8].map((n, i) => ({
    image: `${COLORS[i]}.png`,
    conversations: [
      { from: "human", value: "<image>\nSay it." },
      { from: "gpt", value: Array(n).fill("no").join(" ") },
    ],
  }));
  await writeFile(join(folder, "unequal.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  const first = async (name: string, accumulate: number, batch: object) => {
    const run = join(folder, `spread-${name}`);
    const changes = {
      data: { file: "unequal.jsonl" },
      steps: 1,
      accumulate,
      optimizer: constant,
      validation: undefined,
    };
    await runRecipe(await recipe({ ...changes, batch: { labels: 64, ...batch } }), { run });
    return (await recordsOf(run))[0]!;
  };
  const whole = await first("whole", 1, { images: 4, rows: 4, length: 80 });
  expect(whole.samples).toBe(4);
  for (const found of [
    await first("halves", 2, { images: 2, rows: 2, length: 80 }),
    await first("packed", 2, { images: 2, rows: 1, length: 160 }),
  ]) {
    expect([found.samples, found.num_tokens]).toEqual([4, whole.num_tokens]);
    expect(Math.abs(found.loss! / whole.loss! - 1)).toBeLessThan(1e-5);
    expect(Math.abs(found.grad_norm! / whole.grad_norm! - 1)).toBeLessThan(1e-5);
  }
});

test("the best checkpoint is that of the lowest validation loss, neither the first nor the last", async () => {
  const run = join(folder, "ruined");
  // A rate that rises from nothing (no change) over a good one (step 2) to ones that ruin the model.
  const optimizer = { learningRate: 3, schedule: { kind: "constant", warmupSteps: 12 } };
  const path = await recipe({ optimizer, steps: 4, accumulate: 1, validation: { every: 1, samples: 3 } });
  const { best, last } = await runRecipe(path, { run });
  const losses = (await recordsOf(run)).map((row) => row.eval_loss!);
  expect(losses.indexOf(Math.min(...losses))).toBe(1);
  expect(losses[3]).toBeGreaterThan(2 * losses[1]!);
  expect(best).toBe(join(run, "checkpoints-best", "step-0000002"));
  expect(last).toBe(join(run, "checkpoints", "step-0000004"));
  expect(await readdir(join(run, "checkpoints-best"))).toEqual(["step-0000002"]);
  for (const [name, target] of Object.entries({ best, last }))
    expect(await realpath(join(run, name))).toBe(await realpath(target!));
});

test("a step binds its memory once: runs write into the same arrays", async () => {
  const bind = (["bindInput", "bindOutput"] as const).map((name) => vi.spyOn(OrtSession.prototype, name));
  const checkpoint = await openCheckpoint(model);
  const config = parseConfig(checkpoint.config);
  const store = await loadParameters(config, checkpoint);
  await checkpoint.close();
  const graph = sftGraph(config, { images: 1, rows: 1, length: 32, labels: 8, headChunk: 4 });
  const session = await createStepSession(graph, store, { threads: 1, trained: ["llm.model.norm.weight"] });
  try {
    const bound = () => bind.map((spy) => spy.mock.calls.length);
    const arrays = () => [...session.outputs.values(), ...session.gradients.values()].map(({ data }) => data);
    const [calls, before] = [bound(), arrays()];
    expect(Math.min(...calls)).toBeGreaterThan(0);
    const losses: number[] = [];
    for (const weight of [1, 2]) {
      (session.inputs.get("weights")!.data as Float32Array).fill(weight);
      await session.run();
      losses.push((session.outputs.get("loss")!.data as Float32Array)[0]!);
    }
    expect(losses[1]! / losses[0]!).toBeCloseTo(2, 5);
    arrays().forEach((array, i) => {
      expect(array).toBe(before[i]);
    });
    expect(bound()).toEqual(calls);
  } finally {
    await session.dispose();
    for (const spy of bind) spy.mockRestore();
  }
});

test("parts named beside LoRA, which trains none of them, are refused; what a LoRA run says it ran is not", async () => {
  const lora = { rank: 2, targetModules: ["q_proj"] };
  const path = await recipe({ lora, train: ["adapter"] });
  await expect(runRecipe(path, { run: join(folder, "both") })).rejects.toThrow(/train: found both train and lora/);
  const resolved = await readRecipe(await recipe({ lora }));
  expect(resolved).not.toHaveProperty("train");
  expect(parseRecipe(resolved)).toEqual(resolved);
  expect(await readRecipe(await recipe({}))).toMatchObject({ train: ["tower", "adapter", "decoder"] });
});

test("a layer that LoRA cannot find is named", async () => {
  const path = await recipe({ lora: { rank: 2, targetModules: ["qq_proj"] } });
  await expect(runRecipe(path, { run: join(folder, "no-layer") })).rejects.toThrow(
    /lora\.targetModules: no layer is named qq_proj/,
  );
});

test("a LoRA run saves PEFT's files beside a merged model, and merge gives that model again", async () => {
  const run = join(folder, "lora");
  const lora = { rank: 2, alpha: 4, targetModules: ["q_proj", "down_proj"] };
  const { last } = await runRecipe(await recipe({ lora, validation: undefined }), { run });
  const config = JSON.parse(await readFile(join(last, "adapter_config.json"), "utf8"));
  expect(config).toMatchObject({ peft_type: "LORA", r: 2, lora_alpha: 4 });
  const pattern = new RegExp(`^(?:${config.target_modules})$`);
  expect(pattern.test("llm.model.layers.0.self_attn.q_proj")).toBe(true);
  expect(pattern.test("vit.encoder.layers.0.self_attn.q_proj")).toBe(false);
  const adapter = await openSafetensors(join(last, "adapter_model.safetensors"));
  expect(adapter.tensors.get("base_model.model.llm.model.layers.0.self_attn.q_proj.lora_A.weight")?.shape).toEqual([
    2, 64,
  ]);
  expect(adapter.tensors.size).toBe(2 * 2 * 3);
  await adapter.close();

  const out = join(folder, "merged");
  await mergeAdapter(last, out);
  const [saved, merged, base] = await Promise.all([last, out, model].map(openCheckpoint));
  const read = async (c: typeof base, name: string) => Array.from(toF32(await c!.readTensor(name), "BF16")).join();
  const differing: string[] = [];
  for (const name of saved!.tensors.keys())
    if ((await read(merged, name)) !== (await read(saved, name))) differing.push(name);
  expect(differing).toEqual([]);
  const changed = "llm.model.layers.0.mlp.down_proj.weight";
  expect((await read(merged, changed)) === (await read(base, changed))).toBe(false);
  await Promise.all([saved, merged, base].map((c) => c!.close()));
  await expect(mergeAdapter(last, out)).rejects.toThrow(/expected a new or empty folder/);
  const opened = await FlashVL.fromPretrained(out, { threads: 1, cacheDir: join(folder, "cache") });
  await opened.dispose();
});
