/** @file GRPO on the example's own prompts and reward function: runs, kills, bad rows, bad rewards. */

import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { scoreReference } from "../../src/tasks/index.ts";
import { runRecipe } from "../../src/train/index.ts";
import { expectSameCheckpoint, killAt, recordsOf } from "./kill-run.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/train", import.meta.url));
const MODEL = fileURLToPath(new URL("../golden/static-tiny", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-grpo-file-"));
  await cp(EXAMPLE, folder, { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
/** The example's recipe with some keys changed, as a file beside it. */
async function recipe(name: "sft" | "grpo" | "dpo", changes: object): Promise<string> {
  const example = parse(await readFile(join(folder, `${name}.yaml`), "utf8")) as object;
  const path = join(folder, `recipe${files++}.yaml`);
  await writeFile(path, stringify({ ...example, model: MODEL, threads: 1, ...changes }));
  return path;
}
async function jsonl(rows: (object | string)[]): Promise<string> {
  const path = join(folder, `rows${files++}.jsonl`);
  await writeFile(path, rows.map((row) => (typeof row === "string" ? row : JSON.stringify(row))).join("\n"));
  return path;
}

test("the example of preferences runs, with rows of every form", async () => {
  const run = join(folder, "dpo");
  await runRecipe(await recipe("dpo", { steps: 2, validation: { every: 2, samples: 1 } }), { run });
  const metrics = await recordsOf(run);
  expect(metrics.map((row) => row.step)).toEqual([1, 2]);
  expect(metrics[1]).toMatchObject({ "eval_rewards/accuracies": expect.any(Number) });
});
const ask = (content: string, more: object = {}) => ({ messages: [{ role: "user", content }], ...more });

test("the example of supervised fine-tuning runs", async () => {
  const run = join(folder, "sft");
  await runRecipe(await recipe("sft", { steps: 3 }), { run });
  const metrics = await recordsOf(run);
  expect(metrics.map((row) => row.step)).toEqual([1, 2, 3]);
  expect(metrics[2]!.eval_loss).toBeGreaterThan(0);
});

const muon = { learningRate: 0.001, muon: { momentum: 0.9 }, schedule: { kind: "constant" } };
test("the example of GRPO, with Muon, a reference and reused answers: kill -9 and resume change nothing, bit for bit", async () => {
  const path = await recipe("grpo", { steps: 8, saveEvery: 2, evalEvery: 4, reuse: 2, beta: 0.04, optimizer: muon });
  const [straight, cut] = [join(folder, "straight"), join(folder, "cut")];
  await runRecipe(path, { run: straight });
  await killAt(path, cut, 4);
  await runRecipe(path, { run: cut, resume: true });
  const metrics = await recordsOf(straight);
  expect(metrics.map((row) => row.step)).toEqual([2, 4, 6, 8]);
  expect(await recordsOf(cut)).toEqual(metrics);
  await expectSameCheckpoint([straight, cut], 8);
  const completions = await recordsOf(straight, "completions.jsonl");
  expect(await recordsOf(cut, "completions.jsonl")).toEqual(completions);
  expect(completions).toHaveLength(4 * 2 * 4);
  expect(completions[0]).toMatchObject({
    prompt: expect.stringMatching(/^(Which|How many) /),
    answer: expect.any(String),
  });
  expect(Object.keys(completions[0]!.rewards!)).toEqual(["accuracy", "short-answer"]);
  for (const key of ["rewards/short-answer/mean", "kl", "entropy", "clip_low", "completions/mean_length"])
    expect(metrics[0]![key], key).toBeTypeOf("number");
  expect(metrics.filter((row) => row.eval_reward !== undefined).map((row) => row.step)).toEqual([4, 8]);
});

describe("rows that cannot be used", () => {
  const small = { validation: undefined, steps: 1, promptsPerStep: 1, groupSize: 2 };
  const bad: [string, object | string, RegExp][] = [
    ["a row without the answer that accuracy needs", ask("q"), /no reference answer/],
    ["broken JSON", "{", /not JSON/],
    ["an unknown role", { messages: [{ role: "robot", content: "q" }] }, /"robot"/],
    ["a missing picture", ask("q", { image: "absent.png", answer: "a" }), /absent\.png/],
  ];
  test.each(bad)("%s names file and line", async (_, row, reason) => {
    const file = await jsonl([row]);
    const path = await recipe("grpo", { ...small, data: { file } });
    const running = runRecipe(path, { run: join(folder, "bad") });
    await expect(running).rejects.toThrow(reason);
    await expect(running).rejects.toThrow(`${file}:1: `);
  });

  test("they and prompts that are too long are left out and counted where that is asked for", async () => {
    const file = await jsonl(["{", ask("one two three ".repeat(60), { answer: "a" }), ask("q", { solution: 4 })]);
    const lines: string[] = [];
    const path = await recipe("grpo", { ...small, steps: 2, data: { file }, onBadRow: "skip" });
    const run = join(folder, "skipped");
    await runRecipe(path, { run, print: (line) => lines.push(line) });
    expect(lines.at(-1)).toBe("left out 2 rows: 1 too long, 1 bad");
    expect((await recordsOf(run)).map((row) => row.step)).toEqual([1, 2]);
  });

  test.each([
    ["returns nothing", "export default () => undefined;", /the reward "own" returned undefined for the answer "/],
    ["fails", "export default () => { throw new Error('oh'); };", /the reward "own" failed .*oh/],
    ["is none", "export default 3;", /own\.mjs has no default export that is a function \(found number\)/],
  ])("a reward function that %s is named", async (name, code, reason) => {
    const module = join(folder, name, "own.mjs");
    await cp(join(folder, "short-answer.mjs"), module);
    await writeFile(module, code);
    const path = await recipe("grpo", { ...small, rewards: [{ module }] });
    await expect(runRecipe(path, { run: join(folder, name) })).rejects.toThrow(reason);
  });
});

test.each([
  ["red", "Red.", true],
  ["<think>blue? no</think><answer>red</answer>", "red", true],
  ["reddish", "red", false],
  ["1,200.0", "1200", true],
  ["35%", "35", true],
  ["12", "13", false],
  ["two", "2", false],
  ["\\frac{1}{2}", "1/2", true],
])("%s against %s", async (answer, reference, right) => {
  expect((await scoreReference(answer, reference)).correct).toBe(right);
});
