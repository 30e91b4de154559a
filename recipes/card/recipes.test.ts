/** @file The recipes for the card's rows run as they are, on small random models and a few pictures. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FlashVL } from "flashvl";
import { runRecipe } from "flashvl/train";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse, stringify } from "yaml";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const golden = (name: string) => here(`../../test/golden/${name}`);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-card-"));
  const data = join(folder, "data");
  await mkdir(data);
  await cp(here("../../examples/train/pictures"), join(data, "pictures"), { recursive: true });
  await cp(here("../../examples/train/sft.jsonl"), join(data, "sft.jsonl"));
  await cp(here("../../examples/train/grpo.jsonl"), join(data, "rl.jsonl"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Steps, lengths and validation of a test's size; all else is the recipe's. */
const SMALL: Record<string, object> = {
  sft: {
    epochs: undefined,
    steps: 2,
    accumulate: 1,
    maxLength: undefined,
    validation: { samples: 1, every: 2 },
    saveEvery: 2,
  },
  grpo: {
    steps: 1,
    groupSize: 2,
    promptsPerStep: 2,
    rollout: { temperature: 1, maxNewTokens: 4 },
    validation: { samples: 1 },
    evalEvery: 1,
    saveEvery: 1,
  },
};

it.each([
  ["sft-internvl3-2b", "internvl3-tiny"],
  ["rl-internvl3-2b", "internvl3-tiny"],
  ["sft-flashvl", "static-tiny"],
  ["rl-flashvl", "static-tiny"],
])("%s trains an adapter that answers", async (name, model) => {
  const recipe = parse(await readFile(here(`${name}.yaml`), "utf8")) as { stage: "sft" | "grpo"; lora: object };
  expect(recipe.lora).toBeDefined();
  const path = join(folder, `${name}.yaml`);
  await writeFile(path, stringify({ ...recipe, ...SMALL[recipe.stage], model: golden(model), threads: 1 }));
  const run = join(folder, name);
  await runRecipe(path, { run });
  const lines = (await readFile(join(run, "metrics.jsonl"), "utf8")).trim().split("\n");
  expect(Object.keys(JSON.parse(lines.at(-1)!))).toContain(recipe.stage === "sft" ? "eval_loss" : "eval_reward");
  await using tuned = await FlashVL.fromPretrained(join(run, "last"), { cacheDir: join(folder, "cache") });
  const picture = join(folder, "data/pictures/red-circles.png");
  const { tokens } = await tuned.generate(picture, [{ role: "user", content: "Which colour?" }], { maxNewTokens: 2 });
  expect(tokens.length).toBeGreaterThan(0);
});
