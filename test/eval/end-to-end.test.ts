/** @file Whole runs on small files in the real column layouts, with a scripted judge and scores computed by hand. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { collectResults, openBench, readPredictions, writeModelReport } from "../../src/eval/index.ts";
import { DEFAULT_RULES } from "../../src/vlmeval/index.ts";
import { pngBase64, temporaryFolder, writeTsv } from "./fixtures.ts";
import { metric, runSet, scriptedJudge, weMathRows } from "./run-set.ts";

describe("multiple choice", () => {
  it("scores quotes, line breaks, None, shared pictures and 40,000-character replies", async () => {
    const image = await pngBase64();
    const base = { image, A: 'a "red" bus', B: "a\tblue\ncar", C: "None", answer: "B", category: "c" };
    const rows = [
      { index: 0, ...base, question: "plain" },
      { index: 1, ...base, question: 'quotes "inside"\nand a second line', image: "0" },
      { index: 2, ...base, question: "long" },
      { index: 3, ...base, question: "empty" },
      { index: 4, ...base, question: "letter and reason", answer: "C" },
    ];
    const replies = { 0: "B", 1: "The answer is (A).", 2: `B ${"z".repeat(40_000)}`, 3: "", 4: "C" };
    const { result, out } = await runSet("Custom", rows, replies);
    // Right: 0. Wrong: 1 (A), 3 (nothing), 4 (option C is the word None, which pandas drops). Row 2 is "B" and one cut word.
    expect(metric(result, "Overall")).toBe(40);
    expect(result.decisions).toEqual({ rule: 3, judge: 0, undecided: 2, "judge-failed": 0 });
    expect(result.warnings.join()).toContain("None");
    const back = await readPredictions(join(out, "scripted", "scripted_Custom.xlsx"));
    expect(back.get("2")).toHaveLength(32_767);
    expect(back.get("3")).toBe("nan");
    expect(
      JSON.parse(readFileSync(join(out, "scripted", "Custom", "answers.jsonl"), "utf8").split("\n")[2]!).text,
    ).toHaveLength(40_002);
    expect(readFileSync(join(out, "scripted", "scripted_Custom_acc.csv"), "utf8")).toBe(
      '"split","Overall","c"\n"none","0.4","0.4"\n',
    );
  });

  it("counts a circular question only when every rotation is right, and asks the judge only where that is open", async () => {
    const image = await pngBase64();
    const options = {
      A: "one",
      B: "two",
      C: "three",
      D: "four",
      category: "ocr",
      "l2-category": "coarse_perception",
      split: "dev",
    };
    const group = (id: number) =>
      ["B", "C", "D", "A"].map((answer, turn) => ({
        index: id + turn * 1_000_000,
        image: turn === 0 ? image : String(id),
        question: "Q",
        ...options,
        answer,
      }));
    const rows = [...group(1), ...group(2), ...group(3)];
    const vague = "hmm, this is a hard one to say for anybody";
    const replies = {
      ...{ 1: "B", 1000001: "C", 2000001: "D", 3000001: "A" },
      ...{ 2: "B", 1000002: "C", 2000002: "A", 3000002: vague },
      ...{ 3: "B", 1000003: "C", 2000003: vague, 3000003: "A" },
    };
    const alone = await runSet("MMBench_DEV_EN", rows, replies);
    expect(metric(alone.result, "Overall")).toBeCloseTo(100 / 3, 10);
    expect(alone.result.table.rows).toEqual([{ split: "dev", Overall: 1 / 3, CP: 1 / 3, ocr: 1 / 3 }]);
    const { judge, endpoint } = await scriptedJudge(() => "D");
    const judged = await runSet("MMBench_DEV_EN", rows, replies, { judge });
    expect(metric(judged.result, "Overall")).toBeCloseTo(200 / 3, 10);
    // Group 2 is settled by its wrong rotation, so only group 3's open one is asked.
    expect(endpoint.requests).toHaveLength(1);
  });

  it("puts several pictures where a question's tags stand, and opens MMMU's free questions", async () => {
    const [first, second] = [await pngBase64("#f00"), await pngBase64("#00f")];
    const rows = [
      {
        index: "validation_Art_1",
        image: `['${first}', '${second}']`,
        question: "Is <image 2> above <image 1>?",
        A: "yes",
        B: "no",
        answer: "A",
        split: "validation",
      },
      {
        index: "validation_Art_2",
        image: first,
        question: "How long?",
        A: null,
        B: null,
        answer: "3.5 m",
        split: "validation",
      },
    ];
    const folder = temporaryFolder();
    writeTsv(join(folder, "MMMU_DEV_VAL.tsv"), rows);
    const { bench, close } = await openBench("MMMU_DEV_VAL", { dataFolder: folder, offline: true });
    const prompts = [];
    for await (const row of bench.rows()) prompts.push(await row.prompt());
    const parts = prompts[0]!.messages[0]!.content as { type: string; text?: string; image?: Uint8Array }[];
    expect(parts.map((part) => part.type)).toEqual(["text", "image", "text", "image", "text"]);
    expect(Buffer.from(parts[1]!.image!).toString("base64")).toBe(second);
    close();
    const { result } = await runSet("MMMU_DEV_VAL", rows, { validation_Art_1: "A", validation_Art_2: "3.5 m" });
    expect(metric(result, "Overall")).toBe(100);
  });

  it("cuts MMMU-Pro's reasoning to its last answer", async () => {
    const image = await pngBase64();
    const row = { image, question: "Q", A: "one", B: "two", answer: "B", category: "Math" };
    const replies = { 0: "Think.\nAnswer: A\nNo.\nAnswer: $B", 1: "It must be B", 2: "Answer: A" };
    const { result, out } = await runSet(
      "MMMU_Pro_10c_COT",
      [0, 1, 2].map((index) => ({ index, ...row })),
      replies,
    );
    expect(metric(result, "Overall")).toBeCloseTo(200 / 3, 10);
    expect(readFileSync(join(out, "scripted", "scripted_MMMU_Pro_10c_COT_acc.csv"), "utf8")).toContain('"none"');
  });
});

describe("mathematics", () => {
  it("gives DynaMath's average and worst case", async () => {
    const image = await pngBase64();
    const rows = [1, 2].flatMap((qid) =>
      [1, 2].map((varid) => ({
        index: varid === 1 ? qid : 100 + qid,
        image,
        question: "Q",
        answer: "3.5",
        answer_type: "float",
        subject: "algebra",
        knowledge_level: "high school",
        qid,
        varid,
      })),
    );
    const good = '{"solution": "s", "short answer": "3.500"}';
    const { result } = await runSet("DynaMath", rows, {
      1: good,
      101: "3.5 cm",
      2: good,
      102: '{"short answer": "4"}',
    });
    expect([metric(result, "Average"), metric(result, "Worst Case")]).toEqual([75, 50]);
    expect(result.headline).toBe("Worst Case");
  });

  it("gives WeMath's strict and loose score and plain accuracy, with the judge's matcher and without", async () => {
    const image = await pngBase64();
    const rows = weMathRows(image);
    // Group 0 masters all; group 1 solves the whole with one wrong step: rote strictly, mastery loosely.
    const replies = { 0: "B", 1: "B", 2: "B", 10: "A", 11: "B", 12: "B" };
    const correct = { ...DEFAULT_RULES, mode: "correct" as const };
    const { result } = await runSet("WeMath", rows, replies, { rules: correct });
    expect(metric(result, "Score (Strict)")).toBe(50);
    expect(metric(result, "Score (Loose)")).toBe(100);
    expect(metric(result, "Accuracy")).toBeCloseTo(500 / 6, 10);
    expect(result.table.rows[0]!["Score (Strict)"]).toBe("50.00%");
  });

  it("asks MathVision's judge for free answers that rules cannot match, once each", async () => {
    const image = await pngBase64();
    const row = { image, question: "Q", choices: "[]", answer: "14", category: "algebra" };
    const rows = [
      { index: 1, ...row },
      { index: 2, ...row },
      { index: 3, ...row, choices: "['3', '4']", answer: "B", category: "counting" },
    ];
    const { judge, endpoint } = await scriptedJudge((prompt) => (prompt.includes("apples") ? "14" : "none"));
    const { result, out } = await runSet("MathVision", rows, { 1: "14.0", 2: "we get 14 apples", 3: "4" }, { judge });
    expect(metric(result, "Overall")).toBe(100);
    expect(endpoint.requests).toHaveLength(1);
    expect(result.decisions).toEqual({ rule: 2, judge: 1, undecided: 0, "judge-failed": 0 });
    expect(
      readFileSync(join(out, "scripted", "scripted_MathVision_gpt-4o-mini_score.csv"), "utf8").split("\n")[1],
    ).toBe('"Overall","3","2","3","66.66666666666666","100.0"');
  });

  it("scores MathVerse per version by extraction and comparison", async () => {
    const image = await pngBase64();
    const metadata = "{'subject': 'Functions', 'subfield': 'Property'}";
    const row = {
      image,
      question: "Q",
      question_for_eval: "QE",
      query_cot: "QC",
      metadata,
      problem_version: "Vision Only",
    };
    const rows = [
      { index: 1, ...row, answer: "22.3" },
      { index: 2, ...row, answer: "0.5m" },
      { index: 3, ...row, answer: "C" },
    ];
    const { judge, endpoint } = await scriptedJudge((prompt) => {
      if (prompt.endsWith("[Model answer]: 50cm\nJudgement:")) return "1";
      if (prompt.endsWith("Judgement:")) return "0";
      return prompt.includes("half a metre") ? "50cm" : prompt.includes("d is 22.3") ? "22.3" : "B";
    });
    const { result } = await runSet(
      "MathVerse_MINI_Vision_Only",
      rows,
      { 1: "so d is 22.3", 2: "half a metre", 3: "B it is" },
      { judge },
    );
    expect(metric(result, "Vision Only")).toBeCloseTo(200 / 3, 10);
    expect(endpoint.requests).toHaveLength(5);
  });
});

describe("a judge that fails", () => {
  it("is counted, and its rows are wrong, never guessed", async () => {
    const image = await pngBase64();
    const rows = [0, 1].map((index) => ({ index, image, question: "Q", A: "one", B: "two", answer: "A" }));
    const { judge } = await scriptedJudge(() => 500);
    const { result } = await runSet(
      "Custom",
      rows,
      { 0: "A", 1: "nobody can tell which of these it might be" },
      { judge },
    );
    expect(metric(result, "Overall")).toBe(50);
    expect(result.decisions["judge-failed"]).toBe(1);
    expect(result.judge?.counts.failed).toBe(3);
    expect(result.judge?.lastFailure).toContain("500");
  });
});

describe("the other sets", () => {
  it("score as their rules say", async () => {
    const image = await pngBase64();
    const chart = await runSet(
      "ChartQA_TEST",
      [
        { index: 0, image, question: "Q", answer: "10", split: "test_human" },
        { index: 1, image, question: "Q", answer: "['red', 'crimson']", split: "test_augmented" },
      ],
      { 0: "10.4", 1: "green" },
    );
    expect(chart.result.table.rows).toEqual([{ test_human: 100, test_augmented: 0, Overall: 50 }]);
    const ocr = await runSet(
      "OCRBench",
      [{ index: 0, image, question: "Q", answer: "['5 km']", category: "Scene Text-centric VQA" }],
      { 0: "It is 5 KM" },
    );
    expect(metric(ocr.result, "Final Score")).toBe(1);
    const mme = await runSet(
      "MME",
      ["Yes", "No"].map((answer, index) => ({
        index,
        image,
        question: "Q",
        answer,
        category: "OCR",
        image_path: "OCR/0.jpg",
      })),
      { 0: "Yes.", 1: "no" },
      { rules: { ...DEFAULT_RULES, mode: "correct" } },
    );
    expect(metric(mme.result, "Perception + reasoning")).toBe(200);
    const { judge } = await scriptedJudge(() => "0.4");
    const vet = await runSet(
      "MMVet",
      [{ index: 0, image, question: "Q", answer: "a<AND>b", category: "rec,ocr" }],
      { 0: "a" },
      { judge, rules: { ...DEFAULT_RULES, mode: "correct" } },
    );
    expect(metric(vet.result, "Overall")).toBeCloseTo(40, 10);
  });

  it("fall back to correct rules, and say so, where VLMEvalKit would crash", async () => {
    const image = await pngBase64();
    const rows = [{ index: 0, image, question: "Q", answer: "Yes", category: "OCR", image_path: "a.jpg" }];
    const { result } = await runSet("MME", rows, { 0: "Yes" });
    expect(result.warnings.join()).toContain("VLMEvalKit fails on these rows (IndexError");
  });
});

describe("the report of a model", () => {
  it("stands beside the card's table", async () => {
    const image = await pngBase64();
    const { out } = await runSet(
      "MathVision",
      [{ index: 1, image, question: "Q", choices: "[]", answer: "5", category: "x" }],
      { 1: "5" },
    );
    const text = await writeModelReport(join(out, "scripted"));
    expect(text).toContain("| FlashVL-2B-Static-GRPO | 29.05 | 30.61 | 32.48 | 18.45 | 16.53 | 47.18 |");
    expect(text).toContain("**scripted (this run)** | – | – | 100.00 | – | – | – |");
    expect(collectResults(join(out, "scripted"))).toHaveLength(1);
  });
});
