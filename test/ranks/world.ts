/** @file A tiny model and small data for runs of several ranks, and what their tests compare. */

import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { stringify } from "yaml";

const GOLDEN = fileURLToPath(new URL("../golden/static-tiny", import.meta.url));
const COLORS = ["red", "green", "blue", "white", "black", "gray"];

/** Makes a folder with the model, pictures, and the files of every stage. */
export async function makeWorld(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "flashvl-ranks-"));
  const model = join(folder, "model");
  await mkdir(model);
  for (const name of await readdir(GOLDEN))
    if (
      /^(config|tokenizer.*|added_tokens|generation_config|preprocessor_config)\.json$|^model\.safetensors$/.test(name)
    )
      await cp(join(GOLDEN, name), join(model, name));
  const [rows, pairs]: string[][] = [[], []];
  for (const [i, color] of COLORS.entries()) {
    const create = { width: 40 + i, height: 30, channels: 3 as const, background: color };
    await sharp({ create })
      .png()
      .toFile(join(folder, `${color}.png`));
    for (const [question, answer] of [
      ["Which colour?", color],
      ["Is it red?", color === "red" ? "yes" : "no"],
    ] as const) {
      const conversations = [
        { from: "human", value: `<image>\n${question}` },
        { from: "gpt", value: answer },
      ];
      rows!.push(JSON.stringify({ image: `${color}.png`, conversations }));
      pairs!.push(JSON.stringify({ image: `${color}.png`, question, chosen: answer, rejected: `${answer} or not` }));
    }
  }
  await writeFile(join(folder, "rows.jsonl"), rows!.join("\n"));
  await writeFile(join(folder, "pairs.jsonl"), pairs!.join("\n"));
  return folder;
}

const common = {
  model: "model",
  seed: 5,
  steps: 4,
  saveEvery: 1,
  keep: 9,
  threads: 1,
  optimizer: {
    learningRate: 0.003,
    maxNorm: 0.5,
    schedule: { kind: "cosine", warmupSteps: 1 },
    weightDecay: 0.01,
  },
};
const sft = {
  ...common,
  stage: "sft",
  data: { file: "rows.jsonl" },
  batch: { images: 2, rows: 2, length: 80, labels: 32, headChunk: 16 },
  accumulate: 4,
};
const grpo = {
  ...common,
  stage: "grpo",
  data: { file: "rows.jsonl" },
  promptsPerStep: 4,
  groupSize: 3,
  rollout: { maxNewTokens: 8 },
  rewards: [
    { name: "accuracy", partial: true },
    { name: "length", margin: 4, weight: 0.5 },
  ],
  batch: { images: 2, rows: 2, length: 120, labels: 64 },
};
const dpo = { ...common, stage: "dpo", data: { file: "pairs.jsonl" }, pairsPerStep: 4, batchSize: 1 };

/** Recipes by what is special about them. */
export const RECIPES = {
  sft: { ...sft, validation: { every: 2, samples: 3, metric: "exact" } },
  "sft, accumulate 2": { ...sft, accumulate: 2 },
  "sft, accumulate 3": { ...sft, accumulate: 3, validation: { every: 2, samples: 3 } },
  "sft, a LoRA with dropout": { ...sft, lora: { rank: 4, dropout: 0.1 } },
  "sft by Muon": { ...sft, optimizer: { ...common.optimizer, muon: { momentum: 0.9 } } },
  grpo: {
    ...grpo,
    beta: 0.04,
    reuse: 2,
    steps: 8,
    resampleTries: 1,
    train: ["tower", "adapter", "decoder"],
    validation: { samples: 3 },
    evalEvery: 4,
  },
  "grpo, a LoRA": { ...grpo, lora: { rank: 4 } },
  dpo: { ...dpo, lossType: "mpo", bcoShift: "running", validation: { every: 2, samples: 3 } },
  "dpo, a frozen tower": { ...dpo, train: ["decoder"] },
} as const;

/** Writes a recipe into the world's folder. @returns its path */
export async function writeRecipe(folder: string, name: keyof typeof RECIPES, more: object = {}): Promise<string> {
  const path = join(
    folder,
    `${name.replaceAll(/\W+/g, "-")}-${createHash("md5").update(JSON.stringify(more)).digest("hex").slice(0, 6)}.yaml`,
  );
  await writeFile(path, stringify({ ...RECIPES[name], ...more }));
  return path;
}

/** Hashes of the files of a checkpoint, by their names. */
export async function checkpointOf(run: string, step: number): Promise<Record<string, string>> {
  const folder = join(run, "checkpoints", `step-${String(step).padStart(7, "0")}`);
  const files = await readdir(folder);
  const hash = async (file: string) =>
    createHash("sha256")
      .update(await readFile(join(folder, file)))
      .digest("hex");
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file, await hash(file)] as const)));
}
