/** @file Whether a reply says yes or no, and the tables that MME, HallusionBench, POPE and others make of it (VLMEvalKit `utils/yorn.py`). */

import { PythonError } from "../python/errors.ts";
import { npMean } from "../python/np-mean.ts";
import { pySplit } from "../python/text.ts";
import { processPunctuation } from "./punctuation.ts";
import { byCodePoint } from "./report-accuracy.ts";
import type { ScoringMode } from "./rules.ts";
import { distinct, groupBy, oneRow, type Table, type Value } from "./table.ts";

export type YesNo = "Yes" | "No" | "Unknown";

/**
 * @returns `"Unknown"` when the reply has neither word, or both
 * @example extractYesNo("No, there is not", "compat") // "No"
 */
export function extractYesNo(reply: string, mode: ScoringMode): YesNo {
  const words = new Set(pySplit(processPunctuation(reply.toLowerCase(), mode)));
  if (words.has("yes") === words.has("no")) return "Unknown";
  return words.has("yes") ? "Yes" : "No";
}

/** A scored yes/no row. */
export interface YesNoRow {
  index: string;
  cells: Readonly<Record<string, string | null>>;
  extracted: string | null;
  correct: boolean;
}

export const MME_ABILITIES: Record<string, string[]> = {
  perception: [
    "OCR",
    "artwork",
    "celebrity",
    "color",
    "count",
    "existence",
    "landmark",
    "position",
    "posters",
    "scene",
  ],
  reasoning: ["code_reasoning", "commonsense_reasoning", "numerical_calculation", "text_translation"],
};

const percentRight = (rows: readonly { correct: boolean }[]) => npMean(rows.map((row) => Number(row.correct))) * 100;

/**
 * MME: per category 100 x share of right questions + 100 x share of pictures with both questions right; sums for
 * perception and reasoning. A missing category raises upstream; correct mode counts it as 0.
 */
export function mmeRating(rows: readonly YesNoRow[], mode: ScoringMode): Table {
  const scores: Record<string, number> = {};
  for (const [category, members] of groupBy(rows, (row) => row.cells.category ?? "nan")) {
    const pictures = [...groupBy(members, (row) => row.cells.image_path ?? "nan").values()];
    const both = pictures.map((questions) => {
      if (mode === "correct") return Number(questions.every((question) => question.correct));
      if (questions.length < 2) throw new PythonError("IndexError", "list index out of range");
      return Number(questions[0]!.correct && questions[1]!.correct);
    });
    scores[category] = percentRight(members) + npMean(both) * 100;
  }
  const sums: Record<string, number> = {};
  for (const [ability, categories] of Object.entries(MME_ABILITIES)) {
    sums[ability] = categories.reduce((sum, category) => {
      if (!Object.hasOwn(scores, category) && mode === "compat") throw new PythonError("KeyError", `'${category}'`);
      return sum + (scores[category] ?? 0);
    }, 0);
  }
  return oneRow({ ...sums, ...scores });
}

/** The parts of a HallusionBench index: category_subcategory_..._set_figure_question. */
export function hallusionKeys(row: YesNoRow): { figure: string; question: string } {
  const parts = row.index.split("_");
  if (parts.length < 6) throw new PythonError("IndexError", `index ${JSON.stringify(row.index)} has no question part`);
  const set = `${row.cells["l2-category"]}_${parts[3]}`;
  return { figure: `${set}_${parts[4]}`, question: `${set}_${parts[5]}` };
}

/** HallusionBench: share of right answers, of figures and of questions with every answer right, in percent. */
export function hallusionRating(rows: readonly YesNoRow[]): Table {
  const whole = (part: readonly YesNoRow[], key: (row: YesNoRow) => string) =>
    npMean([...groupBy(part, key).values()].map((group) => Number(group.every((row) => row.correct)))) * 100;
  const line = (split: string, part: readonly YesNoRow[]): Record<string, Value> => ({
    split,
    aAcc: percentRight(part),
    fAcc: whole(part, (row) => hallusionKeys(row).figure),
    qAcc: whole(part, (row) => hallusionKeys(row).question),
  });
  const out = [line("Overall", rows)];
  for (const column of ["category", "l2-category"]) {
    for (const name of distinct(rows, (row) => row.cells[column])) {
      const part = rows.filter((row) => row.cells[column] === name);
      out.push(line(name, part));
    }
  }
  return { columns: ["split", "aAcc", "fAcc", "qAcc"], rows: out };
}

/** POPE: F1 of "yes" as `Overall`, accuracy, precision and recall, in percent; a row counts in each category it lists. */
export function popeRating(rows: readonly YesNoRow[]): Table {
  const spread = rows.flatMap((row) =>
    (row.cells.category ?? "").split(",").map((category) => ({ category, row, correct: row.correct })),
  );
  const line = (split: string, part: typeof spread): Record<string, Value> => {
    const count = (truth: boolean, said: boolean) =>
      part.filter(({ row }) => (row.cells.answer === "Yes") === truth && (row.extracted === "Yes") === said).length;
    const hits = count(true, true);
    const precision = ratio(hits, hits + count(false, true));
    const recall = ratio(hits, hits + count(true, false));
    const f1 = ratio(2 * (precision * recall), precision + recall);
    return { split, Overall: f1 * 100, acc: percentRight(part), precision: precision * 100, recall: recall * 100 };
  };
  const out = [line("Overall", spread)];
  for (const category of distinct(spread, (item) => item.category || null)) {
    out.push(
      line(
        category,
        spread.filter((item) => item.category === category),
      ),
    );
  }
  return { columns: ["split", "Overall", "acc", "precision", "recall"], rows: out };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** Any other yes/no set: accuracy overall and per category, in percent. */
export function defaultYesNoRating(rows: readonly YesNoRow[]): Table {
  const out: Record<string, Value> = { Overall: percentRight(rows) };
  for (const column of ["category", "l2-category"]) {
    for (const name of distinct(rows, (row) => row.cells[column]).sort(byCodePoint)) {
      out[name] = percentRight(rows.filter((row) => row.cells[column] === name));
    }
  }
  return oneRow(out);
}
