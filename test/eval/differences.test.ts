/** @file The complete list of what correct mode does otherwise than VLMEvalKit, each shown on an input. */
import { describe, expect, it } from "vitest";
import { EquivalenceChecker, equalAnswers } from "../../src/tasks/index.ts";
import { repliesAsScored } from "../../src/vlmeval/data/read-back.ts";
import { UPSTREAM_DIFFERENCES } from "../../src/vlmeval/index.ts";
import { canInferOption } from "../../src/vlmeval/score/can-infer.ts";
import { jsonPart, parseAnswer, scoreDynaMath } from "../../src/vlmeval/score/dynamath.ts";
import { scoreMathVerse, verseMetadata } from "../../src/vlmeval/score/mathverse.ts";
import { scoreMathVision } from "../../src/vlmeval/score/mathvision.ts";
import { scoreMathVista } from "../../src/vlmeval/score/mathvista.ts";
import { lastAnswer } from "../../src/vlmeval/score/mmmu.ts";
import { mmVetTables } from "../../src/vlmeval/score/mmvet.ts";
import { runProgram, type ScoreProgram } from "../../src/vlmeval/score/program.ts";
import { processPunctuation } from "../../src/vlmeval/score/punctuation.ts";
import type { ScoringMode } from "../../src/vlmeval/score/rules.ts";
import { anlsDistance, relaxedCorrectness } from "../../src/vlmeval/score/vqa-matches.ts";
import { weMathMastery } from "../../src/vlmeval/score/wemath.ts";
import { mmeRating } from "../../src/vlmeval/score/yes-no.ts";
import { findSet } from "../../src/vlmeval/sets/index.ts";

const rules = (mode: ScoringMode) => ({ matcher: "2026-06" as const, mode });

/** A program's result without a judge, expressions compared by algebra; `null` if it raises. */
function alone<Result>(program: ScoreProgram<Result>): Promise<Result> {
  return runProgram(program, (ask) => (ask.kind === "equivalence" ? equalAnswers(ask.answer, ask.reference) : null));
}

function orError<Result>(run: () => Result): Result | string {
  try {
    return run();
  } catch (error) {
    return (error as Error).message;
  }
}

const dynamath = (prediction: string, answer: string, answer_type: string) => async (mode: ScoringMode) =>
  (await alone(scoreDynaMath({ prediction, answer, answer_type }, mode))).correct;
const vision = (prediction: string, answer: string) => async (mode: ScoringMode) =>
  (await alone(scoreMathVision({ question: "Q", choices: "[]", answer, prediction }, rules(mode)))).correct;
const vista = (prediction: string, answer: string, answer_type: string) => async (mode: ScoringMode) => {
  const line = { question: "Q", question_type: "free_form", answer_type, choices: "[]", answer, answer_option: null };
  return (await alone(scoreMathVista({ ...line, prediction }, rules(mode)))).correct;
};
const weMathRow = (key: string, hit: boolean) => ({ ID: "g", key, hit });
const mmeRow = { index: "1", cells: { category: "OCR", image_path: "a.jpg" }, extracted: "Yes", correct: true };

/** Per difference: what a mode says, then what compat and correct must say. */
const EXAMPLES: Record<string, [(mode: ScoringMode) => unknown, unknown, unknown]> = {
  "verbose-letter": [
    (mode) =>
      canInferOption(
        "My answer is cheese",
        new Map([
          ["A", "x"],
          ["C", "y"],
        ]),
        rules(mode),
      ),
    "C",
    null,
  ],
  "full-stops": [(mode) => processPunctuation("a. ".repeat(40), mode).match(/\./g)?.length ?? 0, 8, 0],
  "relaxed-zero": [(mode) => relaxedCorrectness("0", "0.0", mode), false, true],
  "anls-length": [(mode) => anlsDistance("ab", "a      c", mode), 0.25, 2 / 3],
  "cot-decoration": [(mode) => lastAnswer("So.\n**Answer: B**", mode), "So.\n**Answer: B**", "B"],
  "dynamath-letters": [(mode) => parseAnswer("none", "multiple choice", mode), [true, "E"], [false, null]],
  "dynamath-number": [dynamath('{"short answer": 3.5}', "3.5", "float"), false, true],
  "dynamath-substring": [dynamath('{"short answer": "e"}', "even", "text"), true, false],
  "dynamath-first-three": [dynamath("BAD reply with many letters", "B", "multiple choice"), true, false],
  "dynamath-backslashes": [(mode) => jsonPart('{"a": "\\\\n"}', mode), '{"a": "n"}', '{"a": "\\\\n"}'],
  "mathvision-python": [vision("2^3", "8"), true, true],
  "mathvista-texts": [vista("[2011, 2013]", "[2011, 2013]", "list"), false, true],
  "mathvista-numbers": [vista("8.0", "8", "integer"), false, true],
  "mathverse-apostrophe": [
    (mode) => orError(() => verseMetadata(`{'subject': "Euler's"}`, mode).subject) === "Euler's",
    false,
    true,
  ],
  "mathverse-rules": [
    async (mode) =>
      (await alone(scoreMathVerse({ question: "Q", answer: "0.5", prediction: "\\frac{1}{2}" }, rules(mode)))).correct,
    false,
    true,
  ],
  "mme-missing": [(mode) => typeof orError(() => mmeRating([mmeRow], mode)), "string", "object"],
  "mmvet-double": [
    (mode) =>
      orError(
        () =>
          mmVetTables(
            ["rec", "rec,ocr,know,gen,spat,math"].map((category) => ({ category, score: 1 })),
            mode,
          ).score.rows[0]!.tot,
      ),
    3,
    2,
  ],
  "wemath-denominator": [
    (mode) =>
      weMathMastery([weMathRow("2steps_1", true), weMathRow("2steps_2", true), weMathRow("2steps_multi", true)], mode)[
        "CompleteMastery (Strict)"
      ],
    "0.19% (1)",
    "100.00% (1)",
  ],
  "wemath-empty-ratio": [
    (mode) =>
      orError(
        () =>
          weMathMastery(
            [weMathRow("2steps_1", false), weMathRow("2steps_2", false), weMathRow("2steps_multi", false)],
            mode,
          )["RoteMemorization (Strict)"],
      ),
    "ZeroDivisionError: division by zero",
    "0.00% (0)",
  ],
  "wemath-marker": [
    async (mode) => {
      const row = { index: "1", cells: { question: "Q", A: "1", B: "2", answer: "B" }, prediction: "I think it is B" };
      return (await alone(findSet("WeMath")!.score([row], { rules: rules(mode), judge: false })))[0]!.correct;
    },
    false,
    true,
  ],
  "lost-replies": [
    (mode) =>
      repliesAsScored(["None", "x".repeat(40_000)], mode === "compat" ? "xlsx" : "json").map((text) => text.length),
    [3, 32_767],
    [4, 40_000],
  ],
};

describe("correct mode", () => {
  it("departs from VLMEvalKit in the listed places and no others", () => {
    expect(Object.keys(EXAMPLES).sort()).toEqual(UPSTREAM_DIFFERENCES.map(({ id }) => id).sort());
  });

  it.each(Object.entries(EXAMPLES).filter(([id]) => id !== "mathvision-python"))(
    "differs at %s",
    async (_, [run, compat, correct]) => {
      expect(await run("compat")).toEqual(compat);
      expect(await run("correct")).toEqual(correct);
      expect(compat).not.toEqual(correct);
    },
  );

  it("differs at mathvision-python: a caret is a power, a letter no variable, roots have values", async () => {
    expect(await vision("2^3", "1")("compat")).toBe(true);
    expect(await vision("2^3", "1")("correct")).toBe(false);
    expect(await vision("A", "5")("compat")).toBe(true);
    expect(await vision("A", "5")("correct")).toBe(false);
    expect(await vision("3\\sqrt{2}", "\\sqrt{18}")("compat")).toBe(false);
    expect(await vision("3\\sqrt{2}", "\\sqrt{18}")("correct")).toBe(true);
  });
});

describe("equivalence of expressions", () => {
  it("normalises as Math-Verify does before it compares", async () => {
    using checker = new EquivalenceChecker();
    const equal: [string, string][] = [
      ["The answer is \\boxed{12\\text{ cm}}.", "12"],
      ["\\dfrac12", "0.5"],
      ["50\\%", "0.5"],
      ["$1,000$", "1000"],
      ["x = 3", "3"],
      ["1\\frac{1}{2}", "1.5"],
      ["90^\\circ", "90"],
      ["10\\pi", "\\pi \\cdot 10"],
      ["(x+1)^2", "x^2+2x+1"],
      ["\\{1,2\\}", "\\{2,1\\}"],
      ["[1,2)", "[1, 2)"],
    ];
    for (const [a, b] of equal) expect(await checker.equal(a, b), `${a} and ${b}`).toBe(true);
    const different: [string, string][] = [
      ["[1,2)", "[1,2]"],
      ["(1,2)", "(2,1)"],
      ["x+1", "x+2"],
      ["", "5"],
      ["five", "5"],
    ];
    for (const [a, b] of different) expect(await checker.equal(a, b), `${a} and ${b}`).toBe(false);
  });

  it("gives up on what never ends at its limit of processor time and goes on", async () => {
    using checker = new EquivalenceChecker({ cpuMs: 300 });
    expect(await checker.equal("(10^{15})!", "x")).toBe(false);
    expect(checker.cutOff).toBe(1);
    expect(await checker.equal("3\\sqrt{2}", "\\sqrt{18}")).toBe(true);
    expect(checker.cutOff).toBe(1);
  });

  it("proves nothing by towers of powers beyond the largest number, which all round to infinity", async () => {
    using checker = new EquivalenceChecker();
    const tower = "9^{9^{9^{9}}}";
    const pairs: [string, string][] = [
      [`${tower}+x`, `${tower}+y`],
      [tower, `10^{9^{9^{9}}}`],
      [`x<${tower}`, "x<9^{9^{9^{8}}}"],
    ];
    for (const [a, b] of pairs) expect(await checker.equal(a, b), `${a} and ${b}`).toBe(false);
    expect(await checker.equal(`${tower}+x`, `x+${tower}`)).toBe(true);
    expect(await checker.equal("\\{1,\\infty\\}", "\\{\\infty,1\\}")).toBe(true);
  });
});
