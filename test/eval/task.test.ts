/** @file A benchmark set as a task: prompts in their styles, rows, and the score that also rewards. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { evaluate, vlmBench } from "../../src/eval/index.ts";
import { imagesOf } from "../../src/processor/index.ts";
import { accuracyReward } from "../../src/tasks/index.ts";
import {
  DEFAULT_RULES,
  openVlmTask,
  PROMPT_STYLES,
  type PromptStyle,
  type SetDefinition,
  VLM_SETS,
} from "../../src/vlmeval/index.ts";
import { type Cell, pngBase64, scriptedAnswerer, temporaryFolder, writeTsv } from "./fixtures.ts";

async function firstPrompt(name: string, row: Record<string, Cell>, prompt: PromptStyle) {
  const folder = temporaryFolder();
  const path = join(folder, `${name}.tsv`);
  writeTsv(path, [{ index: 0, ...row }]);
  const task = await openVlmTask(name, { path, prompt });
  for await (const item of task.rows()) {
    task.close();
    return task.prompt(item);
  }
  throw new Error("no row");
}

describe("prompts", () => {
  it("recommended is FlashVL's own where that keeps the question whole, the set's where it does not", async () => {
    const image = await pngBase64();
    const choice = { image, question: "Which?", A: "cat", B: "dog", answer: "A" };
    const dynamath = { image, question: "Slope?", answer: "1", answer_type: "float", qid: 1, varid: 1 };
    const same = async (name: string, row: Record<string, Cell>, style: PromptStyle) =>
      JSON.stringify(await firstPrompt(name, row, "recommended")) ===
      JSON.stringify(await firstPrompt(name, row, style));
    expect(await same("MMStar", choice, "flashvl")).toBe(true);
    expect(await same("MMStar", choice, "dataset-default")).toBe(false);
    expect(await same("MMMU_Pro_10c", choice, "dataset-default")).toBe(true);
    expect(await same("MMMU_Pro_10c", choice, "flashvl")).toBe(false);
    expect(await same("DynaMath", dynamath, "dataset-default")).toBe(true);
  });

  it("flashvl shows the first picture only; the others show all", async () => {
    const image = await pngBase64();
    const row = { image: `['${image}', '${image}']`, question: "Compare.", A: "x", B: "y", answer: "A" };
    const counts = await Promise.all(
      PROMPT_STYLES.map(async (style) => {
        const { images, messages } = await firstPrompt("MMStar", row, style);
        return images.length + imagesOf(messages).length;
      }),
    );
    expect(counts).toEqual([1, 2, 2, 2, 2]);
  });
});

describe("a set as a reward", () => {
  it("scores by rules alone, in upstream's way or by algebra", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "MathVision.tsv");
    writeTsv(path, [
      { index: 0, image: await pngBase64(), question: "Q", choices: "[]", answer: "\\sqrt{18}", category: "algebra" },
    ]);
    const scores: boolean[] = [];
    for (const mode of ["compat", "correct"] as const) {
      const task = await openVlmTask("MathVision", { path, rules: { matcher: "2026-06", mode } });
      for await (const row of task.rows()) scores.push((await task.score(row, "$3\\sqrt{2}$")).correct);
      task.close();
    }
    expect(scores).toEqual([false, true]);
  });

  it("pays GRPO one for a right answer and nothing for another; a part of it where parts are paid", async () => {
    const folder = temporaryFolder();
    const image = await pngBase64();
    const choice = join(folder, "MMStar.tsv");
    writeTsv(choice, [{ index: 0, image, question: "Which?", A: "cat", B: "dog", answer: "B" }]);
    const mmstar = await openVlmTask("MMStar", { path: choice });
    for await (const row of mmstar.rows()) {
      const answers = ["B", "The answer is (B).", "dog", "A", "a bird", ""];
      expect(await Promise.all(answers.map((answer) => accuracyReward(mmstar, row, answer)))).toEqual([
        1, 1, 1, 0, 0, 0,
      ]);
    }
    mmstar.close();
    const short = join(folder, "TextVQA_VAL.tsv");
    writeTsv(short, [{ index: 0, image, question: "Which?", answer: "['red', 'red', 'red', 'blue']" }]);
    const textvqa = await openVlmTask("TextVQA_VAL", { path: short });
    for await (const row of textvqa.rows()) {
      // Three annotators see two others that agree, one sees three.
      expect(await accuracyReward(textvqa, row, "red", true)).toBeCloseTo(0.75, 10);
      expect(await accuracyReward(textvqa, row, "red")).toBe(0);
    }
    textvqa.close();
  });
});

/** A set of one's own: counting, in which the neighbour of the right number is half right. */
const COUNTING: SetDefinition = {
  name: "Counting",
  type: "VQA",
  columns: ["index", "question", "answer"],
  files: "vqa",
  metricNote: "mean credit; one off is half right",
  defaultPrompt: ({ question }, images) => [
    ...images.map((value) => ({ type: "image" as const, value })),
    { type: "text", value: `${question} Say a number.` },
  ],
  *score(rows) {
    return rows.map(({ cells, prediction }) => {
      const off = Math.abs(Number(prediction) - Number(cells.answer));
      const value = off === 0 ? 1 : off === 1 ? 0.5 : 0;
      return { value, correct: value === 1, extracted: prediction, decision: "rule", fields: { off } };
    });
  },
  report: (rows) => {
    const units = rows.map(({ index, score }) => ({ id: index, value: score.value }));
    const mean = units.reduce((sum, { value }) => sum + value, 0) / units.length;
    const table = { columns: ["Overall"], rows: [{ Overall: mean }] };
    return { table, metrics: [{ name: "Overall", combine: "mean", units }], headline: "Overall", categories: [] };
  },
};

describe("a new set", () => {
  it("is one object: it asks, scores, reports and rewards", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "boxes.tsv");
    const image = await pngBase64();
    const rows = [3, 5, 7].map((answer, index) => ({ index, image, question: "How many?", answer }));
    writeTsv(path, rows);
    const task = await openVlmTask(COUNTING, { path, prompt: "dataset-default" });
    for await (const row of task.rows()) {
      expect(JSON.stringify(task.prompt(row).messages)).toContain("How many? Say a number.");
      expect(await accuracyReward(task, row, row.cells.answer!)).toBe(1);
    }
    const answerer = scriptedAnswerer({ 0: "3", 1: "6", 2: "1" });
    const options = { out: folder, rules: DEFAULT_RULES, judge: null, html: false };
    const result = await evaluate(vlmBench(task), answerer, options);
    task.close();
    expect(result).toMatchObject({ dataset: "Counting", metrics: [{ name: "Overall", value: 50 }] });
    expect(readFileSync(join(folder, "scripted", "scripted_Counting_acc.csv"), "utf8")).toBe('"Overall"\n"0.5"\n');
    writeTsv(path, [{ index: 0, image, question: "How many?" }]);
    await expect(openVlmTask(COUNTING, { path })).rejects.toThrow(/lacks the column answer, which Counting needs/);
  });
});

describe("the list of sets", () => {
  it("names every set once, with what prompts and scores need", () => {
    const names = VLM_SETS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const asked = [
      "DynaMath",
      "MathVision",
      "MathVision_MINI",
      "MathVerse_MINI",
      "MathVerse_MINI_Vision_Only",
      "MMMU_Pro_10c",
      "MMMU_Pro_10c_COT",
      "MMMU_Pro_4c",
      "MMMU_Pro_V",
      "MMMU_Pro_V_COT",
      "WeMath",
      "WeMath_COT",
      "MMMU_DEV_VAL",
      "MMBench_DEV_EN",
      "MMBench_DEV_CN",
      "MMBench_DEV_EN_V11",
      "MMBench_DEV_CN_V11",
      "MMStar",
      "MathVista_MINI",
      "AI2D_TEST",
      "OCRBench",
      "HallusionBench",
      "MMVet",
      "MME",
      "SEEDBench_IMG",
      "RealWorldQA",
      "TextVQA_VAL",
      "DocVQA_VAL",
      "ChartQA_TEST",
    ];
    expect(asked.filter((name) => !names.includes(name))).toEqual([]);
    for (const set of VLM_SETS) expect(set.columns, set.name).toContain("answer");
  });
});
