/** @file The other families train as PyTorch does, and their checkpoints keep the layout of the files that they came from. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { openCheckpoint, openSafetensors } from "../../src/hub/index.ts";
import { FlashVL } from "../../src/node/index.ts";
import { type CheckOptions, checkTraining, runRecipe } from "../../src/train/index.ts";
import { familyFolder } from "../engine/support/golden.ts";

const TRAINED: [string, CheckOptions, number][] = [
  ["internvl3-tiny", {}, 211],
  ["internvl3_5-tiny", {}, 205],
  ["dynamic-tiny", {}, 163],
  ["iss-tiny", { iss: "trim" }, 163],
];

describe("losses, gradients and weights equal PyTorch's", () => {
  it.each(TRAINED)("in %s", async (name, options, numbers) => {
    const rows = await checkTraining(familyFolder(name), { ...options, threads: 1 });
    expect(rows.filter((row) => !row.ok)).toEqual([]);
    expect(rows.length).toBe(numbers);
  });

  it("with tiles packed into one row of a padded batch, and recomputed", async () => {
    const rows = await checkTraining(familyFolder("internvl3-tiny"), {
      packing: true,
      padding: true,
      recompute: true,
      threads: 1,
    });
    expect(rows.filter((row) => !row.ok)).toEqual([]);
  });

  it("and those of a LoRA follow from them", async () => {
    const rows = await checkTraining(familyFolder("internvl3_5-tiny"), { lora: true, threads: 1 });
    expect(rows.filter((row) => !row.ok)).toEqual([]);
  });
});

describe("a run on pictures in tiles", () => {
  let folder: string;
  const pictures = (...names: string[]) => names.map((name) => join(familyFolder("internvl3-tiny"), "images", name));
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "flashvl-families-"));
    const rows = [
      { images: pictures("wide.png"), ask: "<image>\nHow much?" },
      { images: pictures("square.png", "wide.png"), ask: "Image-1: <image>\nImage-2: <image>\nWhich is dearer?" },
    ].map(({ images, ask }) => ({ images, messages: [turn("user", ask), turn("assistant", "16.8 yuan")] }));
    await writeFile(join(folder, "data.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const turn = (role: string, content: string) => ({ role, content });
  const train = async (name: string, more: object): Promise<string> => {
    const recipe = {
      stage: "sft",
      model: familyFolder("internvl3-tiny"),
      seed: 1,
      steps: 2,
      data: { file: "data.jsonl" },
      batch: { images: 9, rows: 1, length: 256, labels: 32 },
      optimizer: { learningRate: 0.001, schedule: { kind: "constant" } },
      saveEvery: 2,
      threads: 1,
      ...more,
    };
    await writeFile(join(folder, `${name}.yaml`), stringify(recipe));
    await runRecipe(join(folder, `${name}.yaml`), { run: join(folder, name) });
    return join(folder, name, "last");
  };
  const layoutOf = async (path: string) => {
    const checkpoint = await openCheckpoint(path);
    await checkpoint.close();
    return [...checkpoint.tensors].map(([name, { dtype, shape }]) => `${name} ${dtype} ${shape}`).sort();
  };
  const answer = async (path: string): Promise<string> => {
    await using model = await FlashVL.fromPretrained(path, { cacheDir: join(folder, "cache") });
    return await model.chat(pictures("wide.png")[0]!, [{ role: "user", content: "How much?" }], { maxNewTokens: 8 });
  };

  it.each(["internvl3-tiny", "internvl3-hf-tiny"])(
    "of %s saves the tensors that it came with and opens again",
    async (name) => {
      const last = await train(`whole-${name}`, { model: familyFolder(name) });
      expect(await layoutOf(last)).toEqual(await layoutOf(familyFolder(name)));
      expect(await answer(last)).toBeTypeOf("string");
    },
  );

  it.each([
    ["with the tower", ["tower", "decoder"]],
    ["on picture tokens", ["decoder"]],
  ])("learns from sampled answers %s", async (_, parts) => {
    const last = await train(`grpo-${parts.length}`, {
      stage: "grpo",
      steps: 1,
      saveEvery: 1,
      train: parts,
      maxTiles: 4,
      groupSize: 2,
      promptsPerStep: 2,
      rollout: { maxNewTokens: 4 },
      rewards: [{ name: "length", margin: 2 }],
    });
    const { step } = JSON.parse((await readFile(join(last, "..", "metrics.jsonl"), "utf8")).split("\n")[0]!);
    expect(step).toBe(1);
  });

  it("cuts pictures into no more tiles than the recipe allows", async () => {
    await expect(train("many", { batch: { images: 3, rows: 1, length: 256, labels: 32 } })).rejects.toThrow(
      /no row can be used|tiles, more than 3/,
    );
    await train("few", { maxTiles: 1, batch: { images: 2, rows: 1, length: 256, labels: 32 } });
  });

  it("saves a LoRA under the names of the base's files", async () => {
    const last = await train("lora", { lora: { rank: 2, alpha: 4, targetModules: ["q_proj", "down_proj"] } });
    const file = await openSafetensors(join(last, "adapter_model.safetensors"));
    await file.close();
    expect([...file.tensors.keys()]).toContain(
      "base_model.model.language_model.model.layers.0.self_attn.q_proj.lora_A.weight",
    );
    expect(await answer(last)).toBeTypeOf("string");
  });
});
