/** @file A benchmark set as a task: prompts in three styles, rows, and the score that also rewards. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openVlmTask, PROMPT_STYLES, type PromptStyle, VLM_SETS } from "../../src/tasks/index.ts";
import { type Cell, pngBase64, temporaryFolder, writeTsv } from "./fixtures.ts";

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
      PROMPT_STYLES.map(async (style) => (await firstPrompt("MMStar", row, style)).images.length),
    );
    expect(counts).toEqual([1, 2, 2]);
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
      for await (const row of task.rows()) scores.push(task.score(row, "$3\\sqrt{2}$").correct);
      task.close();
    }
    expect(scores).toEqual([false, true]);
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
