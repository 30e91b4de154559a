/** @file MathVision: options by the matcher, free answers by equality, the judge only where neither is sure (VLMEvalKit `utils/mathv.py`). */
import { pythonEqual } from "../maths/python-equal.ts";
import { extractionJudgePrompt } from "../prompts/judge.ts";
import { listItems } from "../python/to-list.ts";
import { canInfer } from "./can-infer.ts";
import { extractAnswer, PREFETCHED } from "./extract-answer.ts";
import { listChoices } from "./letters.ts";
import { prefetchTable } from "./prefetch-table.ts";
import { askEquivalence, type RowScore, type ScoreProgram } from "./program.ts";
import { byCodePoint } from "./report-accuracy.ts";
import type { ScoringMode, ScoringRules } from "./rules.ts";
import type { Table } from "./table.ts";

export interface MathVisionLine {
  question: string;
  /** A Python list; empty for a free-form question. */
  choices: string;
  answer: string;
  prediction: string;
}

/** Equality of a free answer: upstream's in compatibility mode, a computer algebra system's otherwise. */
function* sameValue(answer: string, truth: string, mode: ScoringMode): ScoreProgram<boolean> {
  return mode === "compat" ? pythonEqual(answer, truth) : yield* askEquivalence(answer, truth);
}

/**
 * What the reply means before any judge (`post_check` with `prefetch`): with options any letter, right or wrong; else
 * the whole reply if it equals the answer.
 */
export function* prefetchMathVision(line: MathVisionLine, rules: ScoringRules): ScoreProgram<string | null> {
  const choices = listChoices(listItems(line.choices));
  if (choices.size > 0) return canInfer(line.prediction, choices, rules);
  return (yield* sameValue(line.prediction, line.answer, rules.mode)) ? line.prediction : null;
}

/** Is the extracted answer right? (`post_check`) */
export function* checkMathVision(
  line: Pick<MathVisionLine, "choices" | "answer">,
  extracted: string | null,
  rules: ScoringRules,
): ScoreProgram<boolean> {
  // A missing cell reaches upstream as the number nan.
  const text = extracted ?? "nan";
  const choices = listChoices(listItems(line.choices));
  if (choices.size > 0) {
    const letter = canInfer(text, choices, rules);
    if (letter === null) return false;
    if (rules.mode === "compat") return pythonEqual(letter, line.answer);
    return letter.toLowerCase() === line.answer.toLowerCase().trim();
  }
  return yield* sameValue(text, line.answer, rules.mode);
}

/** Score one reply (`MATH_V_auxeval`, then `post_check`). */
export function* scoreMathVision(line: MathVisionLine, rules: ScoringRules): ScoreProgram<RowScore> {
  let res = yield* prefetchMathVision(line, rules);
  let log = PREFETCHED;
  let decision: RowScore["decision"] = "rule";
  if (res === null || res === "") {
    const found = yield* extractAnswer(extractionJudgePrompt(line), line.prediction);
    [res, log, decision] = [found.text, found.log, found.decision];
  }
  const correct = yield* checkMathVision(line, res, rules);
  return { value: correct ? 1 : 0, correct, extracted: res, decision, fields: { res, log } };
}

/** Counts and accuracies per category and overall, sorted by name. */
export function mathVisionTable(rows: readonly { category: string; prefetched: boolean; correct: boolean }[]): Table {
  const table = prefetchTable(
    "Subject",
    rows.map((row) => ({ ...row, groups: [row.category] })),
  );
  table.rows.sort((a, b) => byCodePoint(String(a.Subject), String(b.Subject)));
  return table;
}
