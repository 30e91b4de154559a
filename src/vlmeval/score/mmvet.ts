/** @file MM-Vet: a judge grades each reply 0..1; means per capability (VLMEvalKit `utils/mmvet.py`). */
import { mmVetJudgePrompt } from "../prompts/judge.ts";
import { PythonError } from "../python/errors.ts";
import { parsePyFloat } from "../python/number.ts";
import { askJudge, type RowScore, type ScoreProgram } from "./program.ts";
import type { ScoringMode } from "./rules.ts";
import type { Table } from "./table.ts";

const TRIES = 5;
/** Upstream's limit for this judge. */
const JUDGE_TOKENS = 2048;
const CAPABILITIES = ["rec", "ocr", "know", "gen", "spat", "math"];

/** Grade one reply; without a judge the row stays undecided with no credit. */
export function* gradeMmVet(line: { question: string; answer: string; prediction: string }): ScoreProgram<RowScore> {
  const prompt = mmVetJudgePrompt(line);
  let log = "";
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const reply = yield* askJudge({ prompt, maxTokens: JUDGE_TOKENS, attempt });
    if (reply === null) return graded(0, "undecided", "No judge.");
    const grade = parsePyFloat(reply);
    if (grade === null) log += `Try ${attempt}: output is ${reply}, failed to parse.\n`;
    else if (grade < 0 || grade > 1) log += `Try ${attempt}: output is ${reply}, invalid score: ${grade}.\n`;
    else return graded(grade, "judge", `${log}Succeed`);
  }
  return graded(0, "judge-failed", `${log}All ${TRIES} retries failed.\n`);
}

function graded(value: number, decision: RowScore["decision"], log: string): RowScore {
  // "nan" parses as a number and is neither below 0 nor above 1; it earns nothing.
  const credit = Number.isNaN(value) ? 0 : value;
  return { value: credit, correct: credit === 1, extracted: null, decision, fields: { score: credit, log } };
}

/**
 * Mean grade per capability and per exact combination, in percent. Upstream counts a row whose combination is a single
 * capability twice under that name; correct mode does not.
 */
export function mmVetTables(
  rows: readonly { category: string; score: number }[],
  mode: ScoringMode,
): { score: Table; fine: Table } {
  const perCapability = new Map(CAPABILITIES.map((name) => [name, { tot: 0, sum: 0 }]));
  const combinations = new Map<string, { tot: number; sum: number }>();
  const overall = { tot: 0, sum: 0 };
  const add = (cell: { tot: number; sum: number }, grade: number) => {
    cell.tot++;
    cell.sum += grade;
  };
  for (const { category, score } of rows) {
    const combination = category.replaceAll(",", "_");
    const shared = mode === "compat" ? perCapability.get(combination) : undefined;
    if (!combinations.has(combination)) combinations.set(combination, shared ?? { tot: 0, sum: 0 });
    for (const name of CAPABILITIES) if (category.includes(name)) add(perCapability.get(name)!, score);
    add(overall, score);
    add(combinations.get(combination)!, score);
  }
  const line = ([Category, { tot, sum }]: [string, { tot: number; sum: number }]) => {
    if (tot === 0 && mode === "compat") throw new PythonError("ZeroDivisionError", "division by zero");
    return { Category, tot, acc: (sum / tot) * 100 };
  };
  const columns = ["Category", "tot", "acc"];
  const last: [string, typeof overall] = ["Overall", overall];
  return {
    score: { columns, rows: [...perCapability, last].map(line) },
    fine: { columns, rows: [...combinations, last].map(line) },
  };
}
