/** @file MathVerse: the judge reads the answer, then compares what is not plainly equal (VLMEvalKit `utils/mathverse.py`). */
import { verseComparePrompt, verseExtractPrompt } from "../prompts/judge.ts";
import { PythonError } from "../python/errors.ts";
import { parseLooseJson } from "../python/json.ts";
import { parsePyLiteral } from "../python/literal.ts";
import { npMean } from "../python/np-mean.ts";
import { pyStrip } from "../python/text.ts";
import { API_FAILURE } from "./can-infer.ts";
import { extractAnswer, PREFETCHED } from "./extract-answer.ts";
import { askEquivalence, askJudge, type RowScore, type ScoreProgram } from "./program.ts";
import type { ScoringMode, ScoringRules } from "./rules.ts";
import { distinct, type Table, type Value } from "./table.ts";

const TRIES = 5;
const JUDGE_TOKENS = 128;

/** Trimmed texts equal, case and all (`post_check_score`). */
export function sameVerseAnswer(answer: string, extracted: string): boolean {
  return pyStrip(answer) === pyStrip(extracted);
}

export interface VerseComparison {
  score: boolean;
  log: string;
  calls: number;
  decision: RowScore["decision"];
}

/** Stage two: equal texts pass, else the judge says 0 or 1 (`MathVerse_auxeval_score`). */
export function* compareVerse(line: {
  question: string;
  answer: string;
  extract: string;
  prediction: string;
}): ScoreProgram<VerseComparison> {
  // Upstream takes an empty text for nothing found, and asks.
  if (pyStrip(line.extract) !== "" && sameVerseAnswer(line.answer, line.extract))
    return { score: true, log: PREFETCHED, calls: 0, decision: "rule" };
  const prompt = verseComparePrompt(line);
  let log = "";
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const reply = yield* askJudge({ prompt, maxTokens: JUDGE_TOKENS, attempt });
    if (reply === null) return { score: false, log: "No judge.", calls: 0, decision: "undecided" };
    const verdict = pyStrip(reply);
    if (!reply.includes(API_FAILURE) && (verdict === "0" || verdict === "1")) {
      return { score: verdict === "1", log: `${log}Succeed`, calls: attempt + 1, decision: "judge" };
    }
    log += `Try ${attempt}: output is ${line.prediction}, res is ${reply}, failed to parse.\n`;
  }
  return { score: false, log: `${log}All ${TRIES} retries failed.\n`, calls: TRIES, decision: "judge-failed" };
}

/**
 * Both stages. Correct mode first looks whether the whole reply already is the answer, which upstream never does, so
 * that `--judge none` has something to say; the judge then never sees such a row.
 */
export function* scoreMathVerse(
  line: { question: string; answer: string; prediction: string },
  rules: ScoringRules,
): ScoreProgram<RowScore> {
  if (rules.mode === "correct" && (yield* plainlyRight(line))) {
    const fields = { extract: line.prediction, log_extract: PREFETCHED, score: true, log_score: PREFETCHED };
    return { value: 1, correct: true, extracted: line.prediction, decision: "rule", fields };
  }
  const found = yield* extractAnswer(verseExtractPrompt(line.prediction), line.prediction);
  const extract = found.text;
  const compared = yield* compareVerse({ ...line, extract });
  const { score, log } = compared;
  const decision =
    found.decision === "judge" ? (compared.decision === "rule" ? "judge" : compared.decision) : found.decision;
  const fields = { extract, log_extract: found.log, score, log_score: log };
  return { value: score ? 1 : 0, correct: score, extracted: extract, decision, fields };
}

function* plainlyRight(line: { answer: string; prediction: string }): ScoreProgram<boolean> {
  return sameVerseAnswer(line.answer, line.prediction) || (yield* askEquivalence(line.prediction, line.answer));
}

/**
 * Subject and subfield out of the metadata cell. Upstream turns every single quote into a double one and reads JSON,
 * which fails on an apostrophe; correct mode reads the Python dict that it is.
 */
export function verseMetadata(cell: string, mode: ScoringMode): { subject: string | null; subfield: string | null } {
  const value = mode === "compat" ? parseLooseJson(cell.replaceAll("'", '"')) : parsePyLiteral(cell);
  if (!(value instanceof Map)) throw new PythonError("ValueError", "metadata is not a dict");
  const text = (key: string) => {
    const item = value.get(key);
    return typeof item === "string" ? item : null;
  };
  return { subject: text("subject"), subfield: text("subfield") };
}

/** Accuracy in percent per problem version: overall, per subject, per subfield. */
export function mathVerseTable(
  rows: readonly { version: string; subject: string | null; subfield: string | null; correct: boolean }[],
): Table {
  const columns = ["split", "Overall"];
  const percent = (part: typeof rows) => npMean(part.map((row) => Number(row.correct))) * 100;
  const out = distinct(rows, (row) => row.version).map((split): Record<string, Value> => {
    const part = rows.filter((row) => row.version === split);
    const line: Record<string, Value> = { split, Overall: percent(part) };
    for (const column of ["subject", "subfield"] as const) {
      for (const name of distinct(rows, (row) => row[column])) {
        if (!columns.includes(name)) columns.push(name);
        line[name] = percent(part.filter((row) => row[column] === name));
      }
    }
    return line;
  });
  return { columns, rows: out };
}
