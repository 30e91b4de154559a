/** @file MathVista: options by the matcher, numbers as Python reads them, the judge for the rest (VLMEvalKit `utils/mathvista.py`). */
import { extractionJudgePrompt } from "../prompts/judge.ts";
import { parsePyFloat, parsePyInt } from "../python/number.ts";
import { listItems } from "../python/to-list.ts";
import { canInfer } from "./can-infer.ts";
import { extractAnswer, PREFETCHED } from "./extract-answer.ts";
import { listChoices } from "./letters.ts";
import { prefetchTable } from "./prefetch-table.ts";
import { askEquivalence, type RowScore, type ScoreProgram } from "./program.ts";
import type { ScoringRules } from "./rules.ts";
import type { Table } from "./table.ts";

export interface MathVistaLine {
  question: string;
  question_type: string;
  answer_type: string;
  choices: string;
  answer: string;
  answer_option: string | null;
  prediction: string;
}

/** What a reply is read as: a letter, a number, or nothing; and whether it is right. */
interface Reading {
  read: string | number | null;
  right: boolean;
}

/** A results file may hold numbers; `int(8.7)` is 8. */
function readNumber(cell: string | number, type: string): number | null {
  if (typeof cell === "number") return type === "integer" ? Math.trunc(cell) : cell;
  const value = type === "integer" ? parsePyInt(cell) : parsePyFloat(cell);
  return value === null ? null : Number(value);
}

/** What the rules need of a row. */
export type MathVistaKey = Omit<MathVistaLine, "question" | "prediction" | "answer"> & { answer: string | number };

/** `post_check`, without its flag: upstream tells "read" from "right" only for options. */
export function readMathVista(line: MathVistaKey, reply: string | number, rules: ScoringRules): Reading {
  if (line.question_type === "multi_choice") {
    const letter = canInfer(String(reply), listChoices(listItems(line.choices)), rules);
    return { read: letter, right: letter !== null && letter === line.answer_option };
  }
  if (line.answer_type === "integer" || line.answer_type === "float") {
    const [said, truth] = [readNumber(reply, line.answer_type), readNumber(line.answer, line.answer_type)];
    const right = said !== null && truth !== null && said === truth;
    return { read: right ? said : null, right };
  }
  // Upstream compares the text "None" with the answer.
  return { read: line.answer === "None" ? "None" : null, right: line.answer === "None" };
}

/** Correct mode: whole-number texts in either form are numbers, lists and texts are compared as what they are. */
function* isRight(line: MathVistaLine, text: string, rules: ScoringRules): ScoreProgram<boolean> {
  if (rules.mode === "compat" || line.question_type === "multi_choice") return readMathVista(line, text, rules).right;
  if (text.trim().toLowerCase() === line.answer.trim().toLowerCase()) return true;
  if (line.answer_type === "text") return false;
  return yield* askEquivalence(text, line.answer);
}

/** Score one reply (`MathVista_auxeval`, then `post_check`). */
export function* scoreMathVista(line: MathVistaLine, rules: ScoringRules): ScoreProgram<RowScore> {
  const prefetched = readMathVista(line, line.prediction, rules);
  let res: string | number | null = prefetched.read;
  let log = PREFETCHED;
  let decision: RowScore["decision"] = "rule";
  if (rules.mode === "correct" && line.question_type !== "multi_choice") {
    res = (yield* isRight(line, line.prediction, rules)) ? line.prediction : null;
  }
  // A prefetched number 0 counts as nothing upstream.
  if (res === null || (res === 0 && rules.mode === "compat")) {
    const found = yield* extractAnswer(extractionJudgePrompt(line), line.prediction);
    [res, log, decision] = [found.text, found.log, found.decision];
  }
  const correct = yield* isRight(line, String(res), rules);
  return { value: correct ? 1 : 0, correct, extracted: String(res), decision, fields: { res, log } };
}

/** The skills of a row: a Python list, or the cell as it stands. */
export function rowSkills(cell: string): string[] {
  try {
    return listItems(cell);
  } catch {
    return [cell];
  }
}

/** Counts and accuracies overall, per skill and per task, in order of first appearance. */
export function mathVistaTable(
  rows: readonly { task: string; skills: readonly string[]; prefetched: boolean; correct: boolean }[],
): Table {
  return prefetchTable(
    "Task&Skill",
    rows.map((row) => ({ ...row, groups: [...row.skills, row.task] })),
  );
}
