/** @file DynaMath: the short answer inside a JSON reply, its comparison, and the average and worst-case tables (VLMEvalKit `dynamath.py`). */
import { dynaMathJudgePrompt } from "../prompts/judge.ts";
import { PythonError } from "../python/errors.ts";
import { parseLooseJson } from "../python/json.ts";
import { npMean } from "../python/np-mean.ts";
import { isDigits, parsePyFloat, pyFloatRepr } from "../python/number.ts";
import { codePointLength, pyStrip } from "../python/text.ts";
import { API_FAILURE } from "./can-infer.ts";
import { askJudge, type RowScore, type ScoreProgram } from "./program.ts";
import type { ScoringMode } from "./rules.ts";
import { distinct, type Table, type Value } from "./table.ts";

const TOLERANCE = 0.001;
const JUDGE_TOKENS = 128;
const JUDGE_SYSTEM =
  "You are a helpful assistant that helps me to format free-form answers into a short answer according to the instruction.\n";

/** What was read from an answer: parsed or not, and the value. */
export type ParsedAnswer = [parsed: boolean, value: number | string | null];

/**
 * The part of a reply from its first `{` to its last `}` (all of it if there is none), without any backslash. Correct
 * mode keeps the backslashes at first, since they may be proper JSON.
 * @example jsonPart('```{"short answer": "A"}```', "compat") // '{"short answer": "A"}'
 */
export function jsonPart(reply: string, mode: ScoringMode = "compat"): string {
  const start = reply.indexOf("{");
  const end = reply.lastIndexOf("}");
  const part = start >= 0 && start < end ? reply.slice(start, end + 1) : reply;
  return mode === "compat" ? part.replaceAll("\\", "") : part;
}

/**
 * A number, or a multiple of π.
 * @throws PythonError ValueError if the text, or the part before π, is no number
 * @example parseWithPi("0.5π") // 1.5707963267948966
 */
export function parseWithPi(text: string): number {
  const [before] = text.split("π") as [string];
  const number = parsePyFloat(before);
  if (number === null) throw new PythonError("ValueError", `could not convert string to float: '${before}'`);
  return text.includes("π") ? number * Math.PI : number;
}

/**
 * Read an answer by the row's type (`parse_answer`).
 * @example parseAnswer("12.500 cm", "float", "compat") // [true, 12.5]
 */
export function parseAnswer(answer: string, type: string, mode: ScoringMode): ParsedAnswer {
  if (type === "float") {
    const whole = isDigits(answer) ? parsePyFloat(answer) : null;
    if (whole !== null) return [true, whole];
    if (isDigits(answer) && mode === "compat") {
      throw new PythonError("ValueError", `could not convert string to float: '${answer}'`);
    }
    try {
      return [true, parseWithPi((mode === "correct" ? pyStrip(answer) : answer).split(" ")[0]!)];
    } catch {
      return [false, null];
    }
  }
  if (type !== "multiple choice") return [true, answer];
  if (mode === "correct") return parseChoice(answer);
  if (codePointLength(answer) === 1) return [true, answer.toUpperCase()];
  const upper = answer.toUpperCase();
  const found = [..."ABCDE"].filter((letter) => upper.includes(letter));
  return found.length === 1 ? [true, found[0]!] : [false, null];
}

/** The one letter A-E that stands by itself; upstream takes any letter of any word ("none" gives E). */
function parseChoice(answer: string): ParsedAnswer {
  const found = new Set(answer.match(/(?<![\p{L}\p{N}])[A-E](?![\p{L}\p{N}])/gu));
  if (found.size === 0 && /^\s*[a-e]\s*$/.test(answer)) return [true, answer.trim().toUpperCase()];
  return found.size === 1 ? [true, [...found][0]!] : [false, null];
}

export interface DynaMathLine {
  prediction: string;
  answer: string;
  answer_type: string;
}

/** The answer under the key `short answer`; not parsed if the reply is no such JSON. */
function fromJson(part: string, type: string, mode: ScoringMode): ParsedAnswer {
  let value: ReturnType<typeof parseLooseJson> | undefined;
  try {
    const object = parseLooseJson(part);
    value = object instanceof Map ? object.get("short answer") : undefined;
  } catch {
    return [false, null];
  }
  if (typeof value === "string") return parseFromJson(value, type, mode);
  // Upstream's text methods fail on a JSON number; only correct mode uses it.
  if (typeof value === "object" && value !== null && "number" in value && mode === "correct") {
    if (type === "float") return [true, value.number];
    return parseAnswer(value.int ? String(value.number) : pyFloatRepr(value.number), type, mode);
  }
  const isText = type !== "float" && type !== "multiple choice";
  if (mode === "compat" && isText && value !== undefined && value !== null) {
    throw new PythonError("AttributeError", "the short answer has no attribute 'lower'");
  }
  return [false, null];
}

/** Upstream catches whatever goes wrong while it reads the JSON's answer. */
function parseFromJson(value: string, type: string, mode: ScoringMode): ParsedAnswer {
  try {
    return parseAnswer(value, type, mode);
  } catch {
    return [false, null];
  }
}

/** Score one reply (`DynaMath_auxeval`); the judge only formats a short answer that no rule can read. */
export function* scoreDynaMath(line: DynaMathLine, mode: ScoringMode): ScoreProgram<RowScore> {
  const part = jsonPart(line.prediction, mode);
  let decision: RowScore["decision"] = "rule";
  let [parsed, value] = fromJson(part, line.answer_type, mode);
  if (!parsed && mode === "correct") [parsed, value] = fromJson(part.replaceAll("\\", ""), line.answer_type, mode);
  if (!parsed) [parsed, value] = parseAnswer(part, line.answer_type, mode);
  if (!parsed) {
    const prompt = dynaMathJudgePrompt(part, line.answer_type);
    const reply = yield* askJudge({ system: JUDGE_SYSTEM, prompt, maxTokens: JUDGE_TOKENS, attempt: 0 });
    decision = reply === null ? "undecided" : reply.includes(API_FAILURE) ? "judge-failed" : "judge";
    if (reply !== null) [parsed, value] = parseAnswer(reply, line.answer_type, mode);
  }
  const correct = parsed ? isRight(value!, line, mode) : guessedRight(part, line, mode);
  const extracted = parsed ? value : null;
  return {
    value: correct ? 1 : 0,
    correct,
    extracted: extracted === null ? null : String(extracted),
    decision,
    fields: { parse: parsed, extracted, correct },
  };
}

function isRight(value: number | string, line: DynaMathLine, mode: ScoringMode): boolean {
  if (line.answer_type === "float") {
    const truth = parsePyFloat(line.answer);
    if (truth === null) {
      throw new PythonError("ValueError", `could not convert string to float: '${line.answer}'`);
    }
    return Math.abs((value as number) - truth) <= TOLERANCE;
  }
  if (line.answer_type === "multiple choice") return value === line.answer;
  const said = String(value).toLowerCase();
  const truth = line.answer.toLowerCase();
  return mode === "compat" ? truth.includes(said) : pyStrip(said) === pyStrip(truth);
}

/** Upstream lets an unread choice pass if its letter is among the reply's first three characters. */
function guessedRight(part: string, line: DynaMathLine, mode: ScoringMode): boolean {
  if (mode === "correct" || line.answer_type !== "multiple choice") return false;
  return [...part].slice(0, 3).join("").toUpperCase().includes(line.answer);
}

/** A scored row as the tables need it. */
export interface DynaMathRow {
  index: string;
  qid: string;
  varid: string;
  subject: string | null;
  level: string | null;
  correct: boolean;
}

/** For each question number: is every variant right? */
export function worstCase(rows: readonly DynaMathRow[]): Map<string, boolean> {
  const right = new Map<string, boolean>();
  for (const row of rows) right.set(row.qid, (right.get(row.qid) ?? true) && row.correct);
  return right;
}

/** Average and worst case, overall, per subject and per level, as fractions. */
export function dynaMathTable(rows: readonly DynaMathRow[]): Table {
  const right = worstCase(rows);
  const first = rows
    .filter((row) => row.varid === "1")
    .map((row) => ({ ...row, correct: right.get(row.qid) ?? false }));
  const columns = ["Setting", "Overall"];
  const line = (Setting: string, part: readonly DynaMathRow[]) => {
    const out: Record<string, Value> = { Setting, Overall: npMean(part.map((row) => Number(row.correct))) };
    const split = (prefix: string, pick: (row: DynaMathRow) => string | null) => {
      for (const name of distinct(rows, pick)) {
        const column = `${prefix}-${name}`;
        if (!columns.includes(column)) columns.push(column);
        out[column] = npMean(part.filter((row) => pick(row) === name).map((row) => Number(row.correct)));
      }
    };
    split("Subject", (row) => row.subject);
    split("Level", (row) => row.level);
    return out;
  };
  return { columns, rows: [line("Average", rows), line("Worst Case", first)] };
}
