/** @file The way of docs/fine-tuning.md: from fifty pictures and a table of labels to an adapter that is served, with a model of tiny sizes. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import { FlashVL } from "../../src/node/index.ts";
import { recipeJsonSchema } from "../../src/train/index.ts";
import type { FakeModel } from "../serve/fake-model.ts";
import { start } from "../serve/start.ts";
import { runHere } from "./run-cli.ts";

const ROOT = join(import.meta.dirname, "../..");
const MODEL = join(ROOT, "test/golden/static-tiny");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-fine-tuning-"));
  await cp(join(ROOT, "examples/lamps"), join(folder, "lamps"), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

const question = "What does the machine do?";
const flashvl = (...args: string[]) => runHere(args, { FLASHVL_CACHE: join(folder, "cache") });

it("a recipe is written, an adapter trained with scores before and after, asked, and merged", async () => {
  const recipe = join(folder, "lamps.yaml");
  const table = join(folder, "lamps/labels.csv");
  const written = await flashvl(
    "train",
    "new",
    table,
    "--question",
    question,
    "--model",
    MODEL,
    "--out",
    recipe,
    "--yes",
  );
  expect(written, written.stderr).toMatchObject({ code: 0, stdout: `${recipe}\n` });
  expect(written.stderr).toContain('50 rows; the first: 1 pictures, "What does the machine do?" → "fault"');
  expect(parse(await readFile(recipe, "utf8"))).toMatchObject({
    stage: "sft",
    data: { file: "lamps/labels.csv", question },
    validation: { metric: "exact" },
    lora: { rank: 16 },
  });
  expect(await flashvl("train", "new", table, "--question", question, "--out", recipe)).toMatchObject({
    code: 4,
    stderr: expect.stringContaining("exists already"),
  });

  // Fewer epochs than the recipe says are enough to see the way.
  const text = await readFile(recipe, "utf8");
  await writeFile(recipe, `${text.replace(/^epochs: 20/m, "epochs: 2")}threads: 1\n`);
  const run = join(folder, "run");
  const trained = await flashvl("train", "sft", recipe, "--run", run);
  expect(trained.code, trained.stderr).toBe(0);
  expect(trained.stderr).toMatch(/^10 steps of 8 samples are 2 epochs of 40 rows; a batch is \d+ rows of \d+ tokens/m);
  expect(trained.stderr).toMatch(/^10 held-out rows: exact [\d.]+ % at best, [\d.]+ % before training$/m);
  expect((await readdir(join(run, "best"))).filter((name) => name.endsWith(".safetensors")).sort()).toEqual([
    "adapter_model.safetensors",
    "training.safetensors",
  ]);

  const picture = join(folder, "lamps/tower-01.jpg");
  const best = join(run, "best");
  const asked = await flashvl("chat", picture, question, "--model", best, "--max-new-tokens", "6", "--preset", "fp32");
  expect(asked.code, asked.stderr).toBe(0);
  const merged = join(folder, "merged");
  expect((await flashvl("train", "merge", best, merged)).code).toBe(0);

  const model = await FlashVL.fromPretrained(best, { threads: 1, preset: "fp32", cacheDir: join(folder, "cache") });
  const server = await start({ model: model as unknown as FakeModel });
  const url = `data:image/jpeg;base64,${(await readFile(picture)).toString("base64")}`;
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      max_tokens: 6,
      messages: [
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url } },
            { type: "text", text: question },
          ],
        },
      ],
    }),
  });
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
  expect(choices[0]!.message.content.trim()).toBe(asked.stdout.trim());
  await model.dispose();
});

it("whole weights are trained where that is asked for, and a recipe of GRPO is written too", async () => {
  const table = join(folder, "lamps/labels.csv");
  const write = async (name: string, ...flags: string[]) => {
    const out = join(folder, name);
    expect((await flashvl("train", "new", table, "--question", question, "--out", out, ...flags)).code).toBe(0);
    expect((await flashvl("train", "show", out)).code).toBe(0);
    return parse(await readFile(out, "utf8"));
  };
  const full = await write("full.yaml", "--full", "--yes");
  expect(full).toMatchObject({ model: "tiny", train: ["tower", "adapter", "decoder"] });
  expect(full).not.toHaveProperty("lora");
  expect(await write("grpo.yaml", "--stage", "grpo", "--yes")).toMatchObject({ stage: "grpo", lora: { rank: 16 } });
});

it("a table without a question asks for one, and a bad row is named", async () => {
  const table = join(folder, "lamps/labels.csv");
  expect(await flashvl("train", "new", table, "--out", join(folder, "none.yaml"), "--yes")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("say with --question what they ask"),
  });
  const broken = join(folder, "broken.jsonl");
  await writeFile(broken, '{"messages": [{"role": "robot", "content": "q"}]}\n');
  expect(await flashvl("train", "new", broken, "--out", join(folder, "none.yaml"), "--yes")).toMatchObject({
    code: 4,
    stderr: expect.stringMatching(/broken\.jsonl:1: messages\[0\]\.role is "robot"/),
  });
});

it("the keys are listed with defaults and meanings, and the JSON Schema in the package is theirs", async () => {
  const { stdout } = await flashvl("train", "keys");
  expect(stdout).toMatch(/^lora\.rank +rank of the adapters \(whole number, default 16\)$/m);
  expect((await flashvl("train", "keys", "grpo")).stdout).toMatch(/^groupSize +answers per prompt/m);
  expect((await flashvl("train", "keys", "x")).code).toBe(2);
  const shipped = JSON.parse(await readFile(join(ROOT, "schemas/recipe.schema.json"), "utf8"));
  // After a change: flashvl train keys --schema > schemas/recipe.schema.json
  expect(shipped).toEqual(JSON.parse(JSON.stringify(recipeJsonSchema())));
});
