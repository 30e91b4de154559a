/** @file Runs of supervised fine-tuning that one can trust: killed and resumed, stopped by NaN, opened by the engine. */

import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import { acquireLock, writeState } from "../../src/common/node.ts";
import { f32ToBf16, openCheckpoint, openSafetensors, toF32, writeSafetensors } from "../../src/hub/index.ts";
import { parseConfig } from "../../src/model/index.ts";
import { FlashVL } from "../../src/node/index.ts";
import { OrtSession } from "../../src/runtime/ort/session.ts";
import {
  createStepSession,
  loadParameters,
  mergeAdapter,
  nativeTraining,
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
  const hash = await writeSafetensors(state, tensors);
  const progress = join(dirname(state), "progress.json");
  const {
    version,
    sha256: _,
    ...found
  } = JSON.parse(await readFile(progress, "utf8")) as {
    version: number;
    sha256: string;
  };
  await writeState(progress, version, { ...found, state: hash });
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
  const print = (line: string) => line.startsWith("step 3/") && stop.abort();
  await runRecipe(path, { run, signal: stop.signal, print });
  expect(await checkpointsOf(run)).toEqual(["step-0000003"]);
  await mkdir(join(run, "checkpoints", ".writing-step-0000005-1"));
  const lines: string[] = [];
  await runRecipe(path, { run, resume: true, print: (line) => lines.push(line) });
  expect(lines[0]).toMatch(/resuming from .*step-0000003$/);
  expect((await checkpointsOf(run)).sort()).toEqual(["step-0000003", "step-0000006"]);
  expect((await recordsOf(run)).map((row) => row.step)).toEqual([1, 2, 3, 4, 5, 6]);
});

describe("validation by answers", () => {
  const asked = {
    validation: { every: 5, samples: 3, metric: "exact" },
    batch: undefined,
    batchSize: 4,
    accumulate: 1,
    steps: 15,
    optimizer: { learningRate: 0.01, schedule: { kind: "constant" } },
  };

  test("is made before the first step and later, and best goes by it", async () => {
    const run = join(folder, "asked");
    const lines: string[] = [];
    const { best } = await runRecipe(await recipe(asked), { run, print: (line) => lines.push(line) });
    const log = await recordsOf(run);
    const validated = log.filter((row) => row.eval_exact !== undefined);
    expect(validated.map(({ step }) => step)).toEqual([0, 5, 10, 15]);
    for (const { eval_exact } of validated)
      expect([0, 1, 2, 3].some((n) => Math.abs(eval_exact! - n / 3) < 1e-9)).toBe(true);
    const answers = await recordsOf(run, "validation.jsonl");
    expect(answers).toHaveLength(4 * 3);
    expect(Object.keys(answers[0]!)).toEqual(["step", "prompt", "answer", "reference", "score"]);
    const scores = validated.slice(1);
    const top = Math.max(...scores.map(({ eval_exact }) => eval_exact!));
    const wanted = scores
      .filter(({ eval_exact }) => eval_exact === top)
      .sort((a, b) => a.eval_loss! - b.eval_loss!)[0]!;
    expect(best).toBe(join(run, "checkpoints-best", `step-${String(wanted.step).padStart(7, "0")}`));
    expect(lines.at(-1)).toMatch(/^3 held-out rows: exact [\d.]+ % at best, [\d.]+ % before training$/);
    expect(lines.some((line) => /^15 steps of 4 samples are [\d.]+ epochs of 9 rows; a batch is /.test(line))).toBe(
      true,
    );
    expect(lines.some((line) => /^step 5\/15 · epoch 2\.22 · .* tokens\/s · \d+ % filled · ends in /.test(line))).toBe(
      true,
    );
  });

  test("with a LoRA asks the merged weights, also by a score of one's own", async () => {
    await writeFile(
      join(folder, "score.mjs"),
      "export default ({ answer, reference }) => Number(answer[0] === reference[0]) / 2;",
    );
    const metric = { module: "score.mjs" };
    const path = await recipe({ ...asked, steps: 5, lora: { rank: 2 }, validation: { ...asked.validation, metric } });
    const run = join(folder, "asked-lora");
    const { best } = await runRecipe(path, { run });
    const answers = await recordsOf(run, "validation.jsonl");
    const model = await FlashVL.fromPretrained(best!, { threads: 1, cacheDir: join(folder, "cache"), preset: "fp32" });
    const { step, prompt, answer } = answers.at(-1)! as unknown as { step: number; prompt: string; answer: string };
    expect(step).toBe(5);
    const said = await Promise.all(
      COLORS.map((color) =>
        model.chat(join(folder, `${color}.png`), [{ role: "user", content: prompt }], {
          maxNewTokens: answer.length + 20,
        }),
      ),
    );
    expect(said.map((one) => one.slice(0, answer.length))).toContain(answer);
    await model.dispose();
    await writeFile(join(folder, "bad-score.mjs"), "export default () => 7;");
    const bad = await recipe({ ...asked, validation: { ...asked.validation, metric: { module: "bad-score.mjs" } } });
    await expect(runRecipe(bad, { run: join(folder, "asked-bad") })).rejects.toThrow(
      /bad-score\.mjs returned 7 .*from 0 to 1/,
    );
  });
});

test("a reporter is told of every step, and its failure ends the run with its reason", async () => {
  const reporter = join(folder, "reporter.mjs");
  await writeFile(
    reporter,
    `import { appendFileSync } from "node:fs";
export default (options, { run, recipe, resumedAt }) => {
  const write = (line) => appendFileSync(run + "/report.txt", line + "\\n");
  write(recipe.stage + " " + resumedAt);
  return { log: (step, metrics) => write(step + " " + (metrics.loss > 0)), close: () => write("end") };
};`,
  );
  const run = join(folder, "reported");
  await runRecipe(await recipe({ steps: 2, validation: undefined, report: ["reporter.mjs", "tensorboard"] }), { run });
  expect(await readFile(join(run, "report.txt"), "utf8")).toBe("sft 0\n1 true\n2 true\nend\n");
  expect(await readdir(join(run, "tensorboard"))).toHaveLength(1);
  await writeFile(
    join(folder, "failing.mjs"),
    'export default () => ({ log() { throw new Error("the disk of the reporter is full"); } });',
  );
  const failing = await recipe({ steps: 2, validation: undefined, report: "failing.mjs" });
  await expect(runRecipe(failing, { run: join(folder, "reported-not") })).rejects.toThrow(
    "the disk of the reporter is full",
  );
  await writeFile(join(folder, "none.mjs"), "export default () => ({});");
  const none = await recipe({ steps: 2, validation: undefined, report: "none.mjs" });
  await expect(runRecipe(none, { run: join(folder, "reported-never") })).rejects.toThrow(
    /is to return \{ log\(step, metrics\) \}/,
  );
});

test("a resumed run is told what of its recipe and its data has changed", async () => {
  const run = join(folder, "changed");
  const file = join(folder, "changing.jsonl");
  await cp(join(folder, "data.jsonl"), file);
  const of = (more: object) =>
    recipe({ data: { file: "changing.jsonl" }, validation: undefined, saveEvery: 1, ...more });
  await runRecipe(await of({ steps: 1 }), { run });
  const lines: string[] = [];
  await runRecipe(await of({ steps: 1 }), { run, resume: true, print: (line) => lines.push(line) });
  expect(lines.filter((line) => line.includes("has changed"))).toEqual([]);
  await writeFile(file, `${await readFile(file, "utf8")}\n`);
  await runRecipe(await of({ steps: 2 }), { run, resume: true, print: (line) => lines.push(line) });
  expect(lines).toContain("the recipe has changed since the run was started: steps");
  expect(lines).toContain(`the data has changed since the run was started: ${file}`);
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
  const [after, before] = await Promise.all([saved, model].map((folder) => openCheckpoint(folder)));
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
  const session = await createStepSession(graph, store, {
    on: nativeTraining(),
    threads: 1,
    trained: ["llm.model.norm.weight"],
  });
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

test("a LoRA begins as its base, whatever its scale, and dropout and rank are resumed bit for bit", async () => {
  const first = async (name: string, changes: object) => {
    const run = join(folder, name);
    await runRecipe(await recipe({ steps: 1, validation: undefined, ...changes }), { run });
    return (await recordsOf(run))[0]!;
  };
  const plain = await first("begin-plain", {});
  const begun = await first("begin-lora", { lora: { alpha: 500 } });
  expect(begun.loss).toBeCloseTo(plain.loss!, 6);
  const half = await first("begin-dropout", { lora: { alpha: 500, dropout: 0.5 } });
  expect(half.loss).toBeCloseTo(plain.loss!, 6);
  expect(half.grad_norm).not.toBeCloseTo(begun.grad_norm!, 3);

  const lora = { rank: 2, alpha: 4, dropout: 0.3, rankStabilized: true };
  const path = await recipe({ lora });
  const [straight, cut] = [join(folder, "lora-straight"), join(folder, "lora-cut")];
  await runRecipe(path, { run: straight });
  await killAt(path, cut, 3);
  await runRecipe(path, { run: cut, resume: true });
  expect(await recordsOf(cut)).toEqual(await recordsOf(straight));
  await expectSameCheckpoint([straight, cut], 6);
  const config = JSON.parse(await readFile(join(straight, "last", "adapter_config.json"), "utf8"));
  expect(config).toMatchObject({ use_rslora: true, lora_dropout: 0.3, r: 2, lora_alpha: 4 });
  const layers = "q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj".split("|");
  expect(config.target_modules.slice(0, -1).split("(")[1].split("|").sort()).toEqual(layers.sort());
});

test("a layer that LoRA cannot find is named", async () => {
  const path = await recipe({ lora: { rank: 2, targetModules: ["qq_proj"] } });
  await expect(runRecipe(path, { run: join(folder, "no-layer") })).rejects.toThrow(
    /lora\.targetModules: No layer is named qq_proj/,
  );
});

test("a LoRA run saves the adapter alone, in PEFT's files; it opens on its base, and merge makes that model whole", async () => {
  const run = join(folder, "lora");
  const lora = { rank: 2, alpha: 4, targetModules: ["q_proj", "down_proj"] };
  const { last, best } = await runRecipe(await recipe({ lora }), { run });
  const files = ["adapter_config.json", "adapter_model.safetensors", "progress.json", "training.safetensors"];
  for (const saved of [last, best!]) expect((await readdir(saved)).sort()).toEqual(files);
  const config = JSON.parse(await readFile(join(last, "adapter_config.json"), "utf8"));
  expect(config).toMatchObject({ peft_type: "LORA", r: 2, lora_alpha: 4, base_model_name_or_path: model });
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
  await mergeAdapter(join(run, "last"), out);
  const changed = await differing(out, model);
  expect(changed.filter((name) => !/^llm\..*\.(q_proj|down_proj)\.weight$/.test(name))).toEqual([]);
  expect(changed).toHaveLength(2 * 3);
  expect(await differing(last, out)).toEqual([]);
  await expect(mergeAdapter(last, out)).rejects.toThrow(/expected a new or empty folder/);
  await expect(mergeAdapter(out, join(folder, "again"))).rejects.toThrow(/holds a whole model, expected an adapter/);

  const ask = async (folderOf: string) => {
    const opened = await FlashVL.fromPretrained(folderOf, {
      threads: 1,
      preset: "fp32",
      cacheDir: join(folder, "cache"),
    });
    try {
      return await opened.chat(join(folder, "red.png"), [{ role: "user", content: "Which colour?" }], {
        maxNewTokens: 8,
      });
    } finally {
      await opened.dispose();
    }
  };
  expect(await ask(join(run, "last"))).toBe(await ask(out));

  // An adapter trained on a model with an adapter: both are folded in.
  const stacked = { lora, model: last, steps: 2, validation: undefined };
  const { last: upper } = await runRecipe(await recipe(stacked), { run: join(folder, "stacked") });
  const merged = join(folder, "merged-twice");
  await mergeAdapter(upper, merged);
  expect(await differing(upper, merged)).toEqual([]);
  expect((await differing(merged, out)).length).toBe(2 * 3);
  const whole = await openCheckpoint(upper);
  expect(whole.modelFolder).toBe(model);
  await whole.close();

  // Full training on it leaves a whole model.
  const full = { model: last, train: ["decoder"], steps: 1, validation: undefined };
  const { last: grown } = await runRecipe(await recipe(full), { run: join(folder, "grown") });
  expect(await readdir(grown)).toEqual(expect.arrayContaining(["config.json", "model.safetensors", "tokenizer.json"]));
});

/** Tensors in which two models differ as bfloat16. */
async function differing(one: string, other: string): Promise<string[]> {
  const [a, b] = await Promise.all([one, other].map((path) => openCheckpoint(path)));
  const read = async (c: typeof a, name: string) =>
    Array.from(f32ToBf16(toF32(await c!.readTensor(name), c!.tensors.get(name)!.dtype))).join();
  try {
    const names: string[] = [];
    for (const name of a!.tensors.keys()) if ((await read(a, name)) !== (await read(b, name))) names.push(name);
    return names;
  } finally {
    await Promise.all([a!.close(), b!.close()]);
  }
}

test("a second process in a run's folder is refused and told who trains there", async () => {
  const run = join(folder, "held");
  const lock = await acquireLock(join(run, "run.lock"), { what: `training in ${run}` });
  try {
    await expect(runRecipe(await recipe({}), { run })).rejects.toThrow(`Process ${process.pid} is training in ${run}`);
  } finally {
    await lock.release();
  }
  expect(await readdir(run)).toEqual([]);
});
