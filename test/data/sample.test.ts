/** @file Answers sampled and scored become rows: the best ones, or preference pairs; a sampling that was stopped goes on. */

import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowOf, withAnswer, withPair } from "../../src/data/steps/with-answers.ts";
import { runSteps } from "./run-steps.ts";

const GOLDEN = fileURLToPath(new URL("../golden/static-tiny", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-sample-"));
  await mkdir(join(folder, "model"));
  for (const name of await readdir(GOLDEN))
    if (
      /^(config|tokenizer.*|added_tokens|generation_config|preprocessor_config)\.json$|^model\.safetensors$/.test(name)
    )
      await cp(join(GOLDEN, name), join(folder, "model", name));
  await sharp({ create: { width: 20, height: 20, channels: 3, background: "red" } })
    .png()
    .toFile(join(folder, "red.png"));
  // What is longer is worth more: the model's answers are random.
  await writeFile(join(folder, "long.mjs"), "export default ({ text }) => text.length;\n");
  const rows = [
    { image: "red.png", question: "Which colour?", answer: "red" },
    {
      conversations: [
        { from: "human", value: "Hi" },
        { from: "gpt", value: "Hello" },
      ],
      note: "kept",
    },
    { image: "gone.png", question: "Which colour?", answer: "red" },
    { question: "Count to three.", answer: "1 2 3" },
  ];
  await writeFile(join(folder, "rows.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
});
afterAll(() => rm(folder, { recursive: true }));

const STEP = {
  from: "rows.jsonl",
  n: 3,
  temperature: 3,
  maxNewTokens: 6,
  seed: 4,
  batch: 4,
  least: 0,
  margin: 0.5,
  rewards: [] as object[],
};
const sample = async (more: object, out?: string) => {
  const rewards = [{ module: join(folder, "long.mjs"), weight: 1 }];
  const step = { name: "s", sample: { ...STEP, rewards, ...more } };
  return runSteps(folder, [step], { model: "./model" }, out ? { out } : {});
};

test("pairs are the best and the worst of a row's answers; what cannot be asked is counted", async () => {
  const out = join(folder, "pairs");
  const { rows, results, printed } = await sample({ write: "pairs" }, out);
  const answers = (await readFile(join(out, "s.answers.jsonl"), "utf8")).trim().split("\n").slice(1);
  expect(answers).toHaveLength(4);
  expect(results[0]!.details).toMatchObject({ answers: 9, faults: 1 });
  expect(JSON.parse(answers.find((line) => line.includes('"row":3'))!)).toMatchObject({
    answers: [],
    fault: expect.stringMatching(/gone\.png/),
  });
  for (const row of await rows("s.jsonl"))
    expect(row).toMatchObject({ chosen: expect.any(String), rejected: expect.any(String) });
  // The same again from the file, to the last byte, though half of it was lost.
  const whole = await readFile(join(out, "s.answers.jsonl"), "utf8");
  const made = await readFile(join(out, "s.jsonl"), "utf8");
  expect(printed.join()).not.toContain("answered already");
  const [head, first] = whole.split("\n");
  await writeFile(join(out, "s.answers.jsonl"), `${head}\n${first}\n{"row":2,"answ`);
  await rm(join(out, "s.jsonl"));
  const again = await sample({ write: "pairs" }, out);
  expect(again.printed).toContain("1 rows are answered already");
  expect(await readFile(join(out, "s.jsonl"), "utf8")).toBe(made);
  const sorted = (text: string) => text.trim().split("\n").sort();
  expect(sorted(await readFile(join(out, "s.answers.jsonl"), "utf8"))).toEqual(sorted(whole));
  // Other settings are other answers.
  expect((await sample({ write: "pairs", seed: 5 }, out)).printed.join()).not.toContain("answered already");
});

describe("a row", () => {
  const flat = { image: "a.png", question: "1 + 1?", answer: "3", id: 7 };
  const turns = {
    conversations: [
      { from: "human", value: "1 + 1?" },
      { from: "gpt", value: "3" },
    ],
  };
  const asked = { messages: [{ role: "user", content: "1 + 1?" }] };
  test("gets another answer in the place of its own", () => {
    expect(withAnswer(flat, "2")).toEqual({ image: "a.png", question: "1 + 1?", id: 7, answer: "2" });
    expect(withAnswer(turns, "2").conversations).toEqual([turns.conversations[0], { from: "gpt", value: "2" }]);
    expect(withAnswer(asked, "2").messages).toEqual([asked.messages[0], { role: "assistant", content: "2" }]);
  });

  test("becomes a pair without its own answer", () => {
    expect(withPair(flat, "2", "3")).toEqual({ image: "a.png", question: "1 + 1?", id: 7, chosen: "2", rejected: "3" });
    expect(withPair(turns, "2", "3")).toEqual({ conversations: [turns.conversations[0]], chosen: "2", rejected: "3" });
  });

  test("is written where an answer is good enough, and for a pair another one worse by the margin", () => {
    const answer = (text: string, reward: number | null, truncated = false) => ({ text, reward, truncated });
    const step = (write: "best" | "pairs") => ({ ...STEP, write, least: 1, margin: 0.5, rewards: [] }) as never;
    const all = [answer("b", 0), answer("a", 1), answer("long", 5, true), answer("none", null), answer("c", 0.7)];
    expect(rowOf(flat, all, step("best"))).toMatchObject({ answer: "a", reward: 1 });
    expect(rowOf(flat, all, step("pairs"))).toMatchObject({ chosen: "a", rejected: "b" });
    expect(rowOf(flat, [all[1]!, all[4]!], step("pairs"))).toBeUndefined();
    expect(rowOf(flat, [all[0]!, all[4]!], step("best"))).toBeUndefined();
    expect(rowOf(flat, [], step("best"))).toBeUndefined();
  });
});

test("accuracy against the row's own answer is the reward where none is named", async () => {
  const { results, rows } = await runSteps(
    folder,
    [{ name: "s", sample: { from: "rows.jsonl", n: 1, maxNewTokens: 2, batch: 2 } }],
    { model: "./model" },
  );
  expect(results[0]).toMatchObject({ rowsIn: 4, rowsOut: 0, details: { answers: 3, right: 0, faults: 1 } });
  expect(await rows("s.jsonl")).toEqual([]);
});

test("without a model, or from Parquet, it is refused", async () => {
  await expect(runSteps(folder, [{ name: "s", sample: { from: "rows.jsonl" } }])).rejects.toThrow(
    /sample needs `model`/,
  );
});
