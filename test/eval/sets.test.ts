/** @file Rows of each set from TSV through prompt and score to the report, with scores computed by hand; and a set of one's own. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DEFAULT_RULES } from "../../src/vlmeval/index.ts";
import { anlsDistance, vqaHit } from "../../src/vlmeval/score/vqa-matches.ts";
import { pngBase64 } from "./fixtures.ts";
import { metric, type RunSetOptions, runSet as runSetAs, scriptedJudge, weMathRows } from "./run-set.ts";

const image = await pngBase64();
const CORRECT = { ...DEFAULT_RULES, mode: "correct" as const };
const runSet = (
  name: string,
  rows: Parameters<typeof runSetAs>[1],
  replies: Record<string, string>,
  options: RunSetOptions = {},
) => runSetAs(name, rows, replies, { format: "json", ...options });

describe("HallusionBench", () => {
  it("counts answers, figures and questions", async () => {
    const row = (at: string, answer: string, kind = "figure") => ({
      index: `VD_${kind}_1_${at}`,
      image,
      question: "Is it longer?",
      answer,
      category: "VD",
      "l2-category": kind,
    });
    // An index ends with set, figure and question. A map's figure 1 is another than an illusion's.
    const rows = [
      row("0_1_0", "Yes"),
      row("0_1_1", "No"),
      row("0_1_2", "Yes"),
      row("0_2_0", "No"),
      row("0_2_1", "Yes"),
      row("0_1_0", "Yes", "map"),
    ];
    const replies = {
      VD_figure_1_0_1_0: "Yes.",
      VD_figure_1_0_1_1: "no, it is not",
      VD_figure_1_0_1_2: "yes",
      VD_figure_1_0_2_0: "Yes",
      VD_figure_1_0_2_1: "Yes, it is",
      VD_map_1_0_1_0: "hard to say",
    };
    const { result, prompts, out } = await runSet("HallusionBench", rows, replies);
    // Four answers of six are right; figure 1 of three figures; questions 1 and 2, but neither 0 nor the map's, of four.
    expect(metric(result, "aAcc")).toBeCloseTo(400 / 6, 10);
    expect(metric(result, "fAcc")).toBeCloseTo(100 / 3, 10);
    expect(metric(result, "qAcc")).toBe(50);
    expect(metric(result, "Mean of aAcc, fAcc, qAcc")).toBeCloseTo(50, 10);
    expect(result.headline).toBe("Mean of aAcc, fAcc, qAcc");
    expect(result.decisions).toEqual({ rule: 5, judge: 0, undecided: 1, "judge-failed": 0 });
    expect(prompts.VD_map_1_0_1_0).toBe(
      "[picture]Is it longer? Please answer yes or no. Answer the question using a single word or phrase.",
    );
    const table = readFileSync(join(out, "scripted", "scripted_HallusionBench_score.csv"), "utf8").split("\n");
    expect(table[0]).toBe('"split","aAcc","fAcc","qAcc"');
    expect(table.find((line) => line.startsWith('"map"'))).toBe('"map","0.0","0.0","0.0"');
  });
});

describe("MathVista", () => {
  const row = { image, question: "How many?", task: "figure question answering", skills: "['arithmetic', 'algebra']" };
  const free = { ...row, question_type: "free_form", choices: null, answer_option: null };
  const rows = [
    {
      index: 1,
      ...row,
      question_type: "multi_choice",
      answer_type: "text",
      choices: "['3', '4']",
      answer: "4",
      answer_option: "B",
    },
    { index: 2, ...free, answer_type: "integer", answer: "8" },
    { index: 3, ...free, answer_type: "float", answer: "1.5", skills: "['geometry']" },
    { index: 4, ...free, answer_type: "integer", answer: "8", task: "word problem" },
    { index: 5, ...free, answer_type: "text", answer: "red" },
  ];
  const replies = { 1: "B", 2: "8", 3: "1.50", 4: "8.0", 5: "red" };

  it("reads options and numbers as upstream does, and nothing else", async () => {
    const { result, prompts } = await runSet("MathVista_MINI", rows, replies);
    // 8.0 is no whole number to Python's int(), and texts are never right upstream.
    expect(metric(result, "Overall")).toBe(60);
    expect(result.decisions).toMatchObject({ rule: 3, undecided: 2 });
    const line = (name: string) => result.table.rows.find((found) => found["Task&Skill"] === name);
    expect(line("algebra")).toMatchObject({ tot: 4, prefetch: 2, hit: 2, prefetch_rate: 50, acc: 50 });
    expect(line("geometry")).toMatchObject({ tot: 1, hit: 1, acc: 100 });
    expect(line("word problem")).toMatchObject({ tot: 1, hit: 0, acc: 0 });
    expect(prompts[1]).toBe("[picture]How many?");
  });

  it("reads all five by correct rules", async () => {
    const { result } = await runSet("MathVista_MINI", rows, replies, { rules: CORRECT });
    expect(metric(result, "Overall")).toBe(100);
    expect(result.decisions).toMatchObject({ rule: 5 });
  });
});

describe("sets of mathematics", () => {
  it("MathVision_MINI takes an option's text and an equal number", async () => {
    const row = { image, question: "How much?", category: "algebra" };
    const { result } = await runSet(
      "MathVision_MINI",
      [
        { index: 1, ...row, choices: "['3', '4']", answer: "B" },
        { index: 2, ...row, choices: "[]", answer: "\\frac{1}{2}" },
        { index: 3, ...row, choices: "[]", answer: "\\frac{1}{3}", category: "counting" },
      ],
      { 1: "4", 2: "0.5", 3: "0.5" },
    );
    expect(metric(result, "Overall")).toBeCloseTo(200 / 3, 10);
    expect(result.categories).toEqual([
      { name: "algebra", value: 100, count: 2 },
      { name: "counting", value: 0, count: 1 },
    ]);
  });

  it("WeMath_COT scores groups by the marked answer, under its requirement", async () => {
    const rows = weMathRows(image, { requirement: "Reason first, then say <Answer>." });
    const good = "It turns twice. <Answer>: B";
    const replies = { 0: good, 1: good, 2: good, 10: good, 11: good, 12: "It turns once. <Answer>: A" };
    const { result, prompts } = await runSet("WeMath_COT", rows, replies);
    // Group 0 is mastered (1); group 1 knows its steps and fails the whole (0.5).
    expect(metric(result, "Score (Strict)")).toBe(75);
    expect(metric(result, "Score (Loose)")).toBe(75);
    expect(metric(result, "Accuracy")).toBeCloseTo(500 / 6, 10);
    // Upstream divides by all 525 groups, even for a part of the set.
    expect(result.table.rows[0]).toMatchObject({ "Score (Strict)": "99.90%", "Two-step(S2)": "50.00%" });
    expect(prompts[0]).toBe("[picture]Question: Which?\nOptions:\nA. one\nB. two\n\nReason first, then say <Answer>.");
  });

  it("MathVerse_MINI reports each version and all", async () => {
    const row = { image, question: "Find x.", question_for_eval: "Find x.", query_cot: "Reason." };
    const metadata = "{'subject': 'Functions', 'subfield': 'Property'}";
    const { judge, endpoint } = await scriptedJudge((prompt) => {
      if (prompt.endsWith("Judgement:")) return "0";
      return prompt.includes("seven") ? "7" : "C";
    });
    const { result } = await runSet(
      "MathVerse_MINI",
      [
        { index: 1, ...row, answer: "C", problem_version: "Text Dominant", metadata },
        { index: 2, ...row, answer: "5", problem_version: "Vision Only", metadata },
      ],
      { 1: "so it must be C", 2: "that makes seven" },
      { judge },
    );
    expect(result.metrics.map(({ name, value }) => [name, value])).toEqual([
      ["All versions", 50],
      ["Text Dominant", 100],
      ["Vision Only", 0],
    ]);
    expect(result.table.rows).toEqual([
      { split: "Text Dominant", Overall: 100, Functions: 100, Property: 100 },
      { split: "Vision Only", Overall: 0, Functions: 0, Property: 0 },
    ]);
    // Two extractions; "C" is plainly "C", so only the other is compared.
    expect(endpoint.requests).toHaveLength(3);
  });
});

describe("multiple choice", () => {
  it("MMMU_Pro_V asks with the picture alone", async () => {
    const options = { image, A: "one", B: "two", C: "three", category: "Art" };
    const { result, prompts } = await runSet(
      "MMMU_Pro_V",
      [
        { index: "test_Art_1", ...options, answer: "C" },
        { index: "test_Art_2", ...options, answer: "B" },
      ],
      { test_Art_1: "C", test_Art_2: "The answer is (A)." },
    );
    expect(metric(result, "Overall")).toBe(50);
    expect(result.decisions).toMatchObject({ rule: 2 });
    expect(prompts.test_Art_1).toBe(
      "[picture]Answer the following multiple-choice question in the image. Answer directly with the option letter from the given choices. ",
    );
  });

  it.each(["AI2D_TEST", "RealWorldQA", "SEEDBench_IMG"])("%s counts rows one by one", async (name) => {
    const row = { image, question: "Which?", A: "cat", B: "dog" };
    const { result, prompts, out } = await runSet(
      name,
      [
        { index: 1, ...row, answer: "B", category: "animals" },
        { index: 2, ...row, answer: "B", category: "animals" },
        { index: 3, ...row, answer: "A", category: "pets" },
      ],
      { 1: "B", 2: "A cat", 3: "That is the cat." },
    );
    // Row 2 names option A by its letter, row 3 by its text, which is too long for three-letter options: undecided.
    expect(metric(result, "Overall")).toBeCloseTo(100 / 3, 10);
    expect(result.decisions).toMatchObject({ rule: 2, undecided: 1 });
    expect(prompts[1]).toBe(
      "[picture]Which?\nA. cat\nB. dog\nAnswer with the option's letter from the given choices directly.",
    );
    expect(readFileSync(join(out, "scripted", `scripted_${name}_acc.csv`), "utf8")).toBe(
      '"split","Overall","animals","pets"\n"none","0.3333333333333333","0.5","0.0"\n',
    );
  });

  it("MMBench in Chinese asks in Chinese and counts whole circles", async () => {
    const rows = [1, 2].flatMap((id) =>
      ["A", "B"].map((answer, turn) => ({
        index: id + turn * 1_000_000,
        image: turn === 0 ? image : String(id),
        question: "图里是什么?",
        A: turn === 0 ? "猫" : "狗",
        B: turn === 0 ? "狗" : "猫",
        answer,
        category: "object",
        "l2-category": "coarse_perception",
        split: "dev",
      })),
    );
    const { result, prompts } = await runSet("MMBench_DEV_CN", rows, { 1: "A", 1000001: "猫", 2: "A", 1000002: "A" });
    expect(metric(result, "Overall")).toBe(50);
    expect(metric(result, "Vanilla (every rotation by itself)")).toBe(75);
    expect(prompts[1]).toBe("[picture]图里是什么?\nA. 猫\nB. 狗\n请直接回答选项字母。");
  });
});

describe("short answers", () => {
  it("TextVQA gives credit by the annotators that agree", async () => {
    const answer = `['red', 'red', 'red'${", 'blue'".repeat(7)}]`;
    const row = { image, question: "Which colour?", answer };
    const { result, prompts } = await runSet(
      "TextVQA_VAL",
      [
        { index: 1, ...row },
        { index: 2, ...row },
      ],
      {
        1: "Red.",
        2: "green",
      },
    );
    // Of "red", three annotators see two others (2/3 each) and seven see three (1 each): 9 of 10. "green" has none.
    expect(metric(result, "Overall")).toBeCloseTo(45, 10);
    expect(prompts[1]).toBe("[picture]Which colour?\nAnswer the question using a single word or phrase.");
  });

  it("DocVQA gives credit by likeness, down to one half", async () => {
    const { result } = await runSet(
      "DocVQA_VAL",
      [
        { index: 1, image, question: "Who?", answer: "['hello', 'a quite other one']" },
        { index: 2, image, question: "Who?", answer: "['abcd']" },
      ],
      { 1: "Hallo", 2: "axyz" },
    );
    // One letter of five differs: 0.8. Three of four differ: 0.25, which is below one half.
    expect(metric(result, "Overall")).toBeCloseTo(40, 10);
  });

  it("a file of one's own without options is right where it equals a reference", async () => {
    const { result, prompts } = await runSet(
      "MyOwn",
      [
        { index: 1, image, question: "What?", answer: "cat" },
        { index: 2, image, question: "What?", answer: "['bus', 'coach']" },
        { index: 3, image, question: "What?", answer: "dog" },
        { index: 4, image, question: "What?", answer: "['red', 'red', 'red', 'blue']" },
      ],
      { 1: "A cat.", 2: "Coach", 3: "a cat", 4: "red" },
    );
    // 1 and 2 are right, 3 is wrong; four annotators are enough to agree: three times 2/3 and once 1, so 3/4.
    expect(metric(result, "Overall")).toBeCloseTo(275 / 4, 10);
    expect(prompts[1]).toBe("[picture]What?\nAnswer the question using a single word or phrase.");
  });
});

describe("ANLS", () => {
  it("gives the similarity from one half on, the half itself included, and nothing below", () => {
    const hit = (truth: string, reply: string) => vqaHit([anlsDistance(truth, reply, "compat")], "similarity");
    expect(hit("ab", "ax")).toBe(0.5);
    expect(hit("abc", "axx")).toBe(0);
    expect(hit("abcd", "abcx")).toBe(0.75);
    expect(vqaHit([0.75, 0.25], "similarity")).toBe(0.75);
  });
});
