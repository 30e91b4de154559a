/** @file Vector functions of the mathematics sets: MathVision, MathVista, MathVerse, DynaMath, WeMath. */
import { pythonEqual } from "../../../src/vlmeval/maths/python-equal.ts";
import { verseExtractPrompt } from "../../../src/vlmeval/prompts/judge.ts";
import { jsonPart, parseAnswer, parseWithPi, scoreDynaMath } from "../../../src/vlmeval/score/dynamath.ts";
import { extractAnswer, PREFETCHED } from "../../../src/vlmeval/score/extract-answer.ts";
import { compareVerse, mathVerseTable, sameVerseAnswer, verseMetadata } from "../../../src/vlmeval/score/mathverse.ts";
import {
  checkMathVision,
  mathVisionTable,
  prefetchMathVision,
  scoreMathVision,
} from "../../../src/vlmeval/score/mathvision.ts";
import { mathVistaTable, readMathVista, rowSkills } from "../../../src/vlmeval/score/mathvista.ts";
import { DEFAULT_RULES } from "../../../src/vlmeval/score/rules.ts";
import { markedAnswer, type WeMathRow, weMathAccuracy, weMathMastery } from "../../../src/vlmeval/score/wemath.ts";
import { findSet } from "../../../src/vlmeval/sets/index.ts";
import { evaluate } from "./evaluate.ts";
import { type Input, type Json, rowsOf, text } from "./input.ts";
import { withReplies } from "./stub-judge.ts";

const line = (input: Input) => input.line as Input;

function visionLine(row: Input) {
  return {
    question: text(row.question),
    choices: text(row.choices),
    answer: text(row.answer),
    prediction: text(row.prediction),
  };
}

/** Numbers stay numbers: a results file may hold them as such. */
const cell = (value: Json | undefined) => (typeof value === "number" ? value : text(value));

function vistaReading(row: Input, reply: Json | undefined) {
  const item = {
    question_type: text(row.question_type),
    answer_type: text(row.answer_type),
    choices: text(row.choices),
    answer: cell(row.answer),
    answer_option: (row.answer_option ?? null) as string | null,
  };
  return readMathVista(item, cell(reply), DEFAULT_RULES);
}

/** The columns of the verdict, as a table with one list per column. */
function byColumn(table: { columns: string[]; rows: Record<string, unknown>[] }) {
  return Object.fromEntries(table.columns.map((name) => [name, table.rows.map((row) => row[name])]));
}

const weMathRows = (input: Input) =>
  rowsOf(input).map(
    (row): WeMathRow => ({
      ID: text(row.ID),
      key: text(row.key),
      concept: row["knowledge concept"] as string | undefined,
      hit: Boolean(row.hit),
    }),
  );

/** Two groups, all replies right but the third step of the second; some cases of the file leave these rows out. */
function weMathCase(reply: (letter: string) => string): Input[] {
  const keys = ["2steps_1", "2steps_2", "2steps_multi", "3steps_1", "3steps_2", "3steps_3", "3steps_multi"];
  return keys.map((key, index) => ({
    index,
    ID: key.startsWith("2") ? "g0" : "g1",
    key,
    "knowledge concept": "Rotation",
    question: "Q",
    A: "1",
    B: "2",
    C: "3",
    answer: "B",
    prediction: reply(key === "3steps_3" ? "C" : "B"),
  }));
}

async function evaluateWeMath(input: Input) {
  let rows = rowsOf(input);
  if (input.predictions === "I think it is <letter>") rows = weMathCase((letter) => `I think it is ${letter}`);
  if (input.predictions === "one empty reply") {
    // A missing reply is no text: upstream's rule fails on it.
    markedAnswer(null, "compat");
  }
  const judge = (input.judge as string | undefined) ?? null;
  const base = judge === null ? "m_d.xlsx" : "M_WeMath.xlsx";
  const { report, files } = await evaluate(findSet("WeMath")!, rows, judge, input.judge_replies, base);
  const row = report.table.rows[0]!;
  if (judge !== null) return { score_strict: row["Score (Strict)"], files };
  return {
    score_strict: row["Score (Strict)"],
    score_loose: row["Score (Loose)"],
    s1: row["One-step(S1)"],
    s2: row["Two-step(S2)"],
    s3: row["Three-step(S3)"],
    columns: report.table.columns,
    files,
  };
}

/** A row that the judge must read; the file leaves it out. */
const VERSE_ROW: Input = {
  index: 1,
  question: "Q",
  question_for_eval: "Q",
  answer: "22.3",
  problem_version: "Vision Only",
  metadata: "{'split': 'testmini', 'source': 'S', 'subject': 'Functions', 'subfield': 'Property'}",
  prediction: "so d is 22.3",
};
const VISTA_ROW: Input = {
  index: 1,
  question: "Q",
  question_type: "multi_choice",
  answer_type: "text",
  choices: "['Yes', 'No']",
  answer: "No",
  answer_option: "B",
  task: "t",
  skills: "['s']",
  prediction: "hard to say for me, it could be either of these two",
};

function judged(set: string, rows: Input[] | null, asColumns = false) {
  return async (input: Input) => {
    const base = `M_${set}.xlsx`;
    const { report, files } = await evaluate(
      findSet(set)!,
      rows ?? rowsOf(input),
      text(input.judge),
      input.judge_replies,
      base,
    );
    return { score: asColumns ? byColumn(report.table) : report.table, files };
  };
}

export const mathematicsFunctions: Record<string, (input: Input) => unknown> = {
  "mathv.is_equal": (input) => pythonEqual(text(input.asw), text(input.gt_asw)),
  "mathv.post_check": async (input) => {
    const row = line(input);
    if (input.prefetch)
      return (await withReplies(prefetchMathVision(visionLine(row), DEFAULT_RULES), null)).result ?? false;
    const res = row.res === null || row.res === undefined ? null : text(row.res);
    return (await withReplies(checkMathVision(visionLine(row), res, DEFAULT_RULES), null)).result;
  },
  "mathv.MATH_V_auxeval": async (input) => {
    const { result, calls } = await withReplies(
      scoreMathVision(visionLine(line(input)), DEFAULT_RULES),
      input.judge_replies,
    );
    return { result: { log: result.fields.log, res: result.fields.res }, judge_calls: calls };
  },
  "mathv.MATH_V_acc": async (input) =>
    mathVisionTable(
      await Promise.all(
        rowsOf(input).map(async (row) => {
          const res = row.res === null ? null : text(row.res);
          const { result } = await withReplies(checkMathVision(visionLine(row), res, DEFAULT_RULES), null);
          return { category: text(row.category), prefetched: row.log === PREFETCHED, correct: result };
        }),
      ),
    ),
  "mathvista.post_check": (input) => {
    const row = line(input);
    if (!input.prefetch) return vistaReading(row, row.res).right;
    return vistaReading(row, row.prediction).read ?? false;
  },
  "mathvista.MathVista_acc": (input) =>
    mathVistaTable(
      rowsOf(input).map((row) => ({
        task: text(row.task),
        skills: rowSkills(text(row.skills)),
        prefetched: row.log === PREFETCHED,
        correct: vistaReading(row, row.res).right,
      })),
    ),
  "mathverse.post_check_score": (input) => {
    const [answer, extract] = [text(line(input).answer), text(line(input).extract)];
    if (!sameVerseAnswer(answer, extract)) return false;
    return input.prefetch ? extract.trim() : true;
  },
  "mathverse.MathVerse_auxeval_score": async (input) => {
    const row = line(input);
    const program = compareVerse({
      question: text(row.question_for_eval),
      answer: text(row.answer),
      extract: text(row.extract),
      prediction: text(row.prediction),
    });
    const { result, calls } = await withReplies(program, input.judge_replies);
    return { score: result.score, log_is_prefetch: result.log === PREFETCHED, judge_calls: calls };
  },
  "mathverse.MathVerse_auxeval_extract": async (input) => {
    const prediction = text(input.prediction);
    const { result, calls } = await withReplies(
      extractAnswer(verseExtractPrompt(prediction), prediction),
      input.judge_replies,
    );
    return { extract: result.text, judge_calls: calls };
  },
  "mathverse.MathVerse_acc": (input) =>
    byColumn(
      mathVerseTable(
        rowsOf(input).map((row) => ({
          version: text(row.problem_version),
          ...verseMetadata(text(row.metadata), "compat"),
          correct: Boolean(row.score),
        })),
      ),
    ),
  "wemath.exact_matching_answer": (input) => {
    const letter = markedAnswer(input.prediction as string | null, "compat");
    return { processed_answer: letter, joker: letter === input.answer };
  },
  "wemath.wemath_evaluate_models": (input) => ({ Model: null, ...weMathMastery(weMathRows(input), "compat") }),
  "wemath.wemath_accuracy": (input) => ({ Model: null, ...weMathAccuracy(weMathRows(input)) }),
  "dynamath.preprocess": (input) => jsonPart(text(input.text)),
  "dynamath.transfer": (input) => parseWithPi(text(input.text)),
  "dynamath.parse_answer": (input) => parseAnswer(text(input.answer), text(input.answer_type), "compat"),
  "dynamath.DynaMath_auxeval": async (input) => {
    const row = line(input);
    const item = { prediction: text(row.prediction), answer: text(row.answer), answer_type: text(row.answer_type) };
    const { result, calls } = await withReplies(scoreDynaMath(item, "compat"), input.judge_replies);
    return { result: result.fields, judge_calls: calls };
  },
  "Dynamath.evaluate": async (input) => {
    const { report, files } = await evaluate(
      findSet("DynaMath")!,
      rowsOf(input),
      "stubjudge",
      input.judge_replies,
      "m_d.xlsx",
    );
    return { score: report.table, files };
  },
  "WeMath.evaluate(exact_matching)": evaluateWeMath,
  "WeMath.evaluate": evaluateWeMath,
  "MathVision.evaluate": judged("MathVision", null),
  "MathVerse.evaluate": judged("MathVerse_MINI_Vision_Only", [VERSE_ROW], true),
  "MathVista.evaluate": judged("MathVista_MINI", [VISTA_ROW]),
  "MMVet.evaluate": judged("MMVet", [
    { index: 1, question: "Q", answer: "A", category: "rec,ocr,know,gen,spat,math", prediction: "p" },
  ]),
};
