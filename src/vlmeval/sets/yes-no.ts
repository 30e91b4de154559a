/** @file Yes/no sets: MME (arXiv 2306.13394), HallusionBench (arXiv 2310.14566), POPE (arXiv 2305.10355). */

import { questionPrompt } from "../prompts/dataset-default.ts";
import { yesNoJudgePrompt } from "../prompts/judge.ts";
import { byCategory, rowUnits } from "../score/by-category.ts";
import { askJudge, type RowScore, type ScoreProgram } from "../score/program.ts";
import type { ScoringMode } from "../score/rules.ts";
import { groupBy, type Table } from "../score/table.ts";
import {
  defaultYesNoRating,
  extractYesNo,
  hallusionKeys,
  hallusionRating,
  mmeRating,
  popeRating,
  type YesNoRow,
} from "../score/yes-no.ts";
import type { Answered, Metric, ScoreContext, Scored, SetDefinition } from "../set-definition.ts";
import { dataUrl } from "./urls.ts";

const TRIES = 5;
const JUDGE_TOKENS = 16;

/** Read yes or no from the reply; the judge says what a reply without either means. */
export function* scoreYesNo(rows: readonly Answered[], { rules }: ScoreContext): ScoreProgram<RowScore[]> {
  const scores: RowScore[] = [];
  for (const { cells, prediction } of rows) {
    let extracted = extractYesNo(prediction, rules.mode);
    let decision: RowScore["decision"] = "rule";
    const prompt = yesNoJudgePrompt(cells.question ?? "nan", prediction);
    for (let attempt = 0; extracted === "Unknown" && attempt < TRIES; attempt++) {
      const reply = yield* askJudge({ prompt, maxTokens: JUDGE_TOKENS, attempt });
      decision = reply === null ? "undecided" : "judge";
      if (reply === null) break;
      extracted = extractYesNo(reply, rules.mode);
      if (extracted === "Unknown" && attempt === TRIES - 1) decision = "judge-failed";
    }
    const correct = extracted === cells.answer;
    scores.push({ value: correct ? 1 : 0, correct, extracted, decision, fields: { extracted, score: correct } });
  }
  return scores;
}

const toRow = ({ index, cells, score }: Scored): YesNoRow => ({
  index,
  cells,
  extracted: score.extracted,
  correct: score.correct,
});

function wholeGroups(rows: readonly YesNoRow[], key: (row: YesNoRow) => string) {
  return [...groupBy(rows, key)].map(([id, group]) => ({ id, value: Number(group.every((row) => row.correct)) }));
}

/** Each picture gives its category 100 x share right + 100 if both are; categories are added up. */
function mmeUnits(rows: readonly YesNoRow[]): Metric["units"] {
  const questions = rows.map((row) => ({
    id: `question ${row.index}`,
    value: 100 * Number(row.correct),
    stratum: `${row.cells.category} questions`,
  }));
  const pictures = [...groupBy(rows, (row) => `${row.cells.category}\0${row.cells.image_path}`)].map(([id, group]) => ({
    id: `picture ${id.replace("\0", " ")}`,
    value: 100 * Number(group.every((row) => row.correct)),
    stratum: `${group[0]!.cells.category} pictures`,
  }));
  return [...questions, ...pictures];
}

interface Variant {
  name: string;
  file?: string;
  md5?: string;
  rows?: number;
  columns?: string[];
  note: string;
  rating(rows: readonly YesNoRow[], mode: ScoringMode): Table;
  metrics(rows: readonly YesNoRow[], scored: readonly Scored[]): Metric[];
}

function yesNoSet(variant: Variant): SetDefinition {
  return {
    name: variant.name,
    type: "Y/N",
    url: variant.md5 ? dataUrl(`VLMEval/${variant.name}.tsv`) : undefined,
    md5: variant.md5,
    rows: variant.rows,
    columns: ["index", "question", "answer", ...(variant.columns ?? [])],
    files: "yes-no",
    metricNote: variant.note,
    defaultPrompt: questionPrompt,
    score: scoreYesNo,
    report: (scored, { rules }) => {
      const rows = scored.map(toRow);
      const metrics = variant.metrics(rows, scored);
      const categories = byCategory(scored, ["category"]);
      return { table: variant.rating(rows, rules.mode), metrics, headline: metrics[0]!.name, categories };
    },
  };
}

/** Any yes/no set: accuracy overall and per category. */
export function plainYesNoSet(name: string): SetDefinition {
  return yesNoSet({
    name,
    note: "accuracy over all rows",
    rating: defaultYesNoRating,
    metrics: (_, scored) => [{ name: "Overall", combine: "mean", units: rowUnits(scored) }],
  });
}

export const yesNoSets = [
  yesNoSet({
    name: "MME",
    md5: "b36b43c3f09801f5d368627fb92187c3",
    rows: 2374,
    columns: ["category", "image_path"],
    note: "perception + reasoning points (0 to 2800); leaderboards divide by 28",
    rating: mmeRating,
    metrics: (rows) => [{ name: "Perception + reasoning", combine: "sum-of-means", units: mmeUnits(rows) }],
  }),
  yesNoSet({
    name: "HallusionBench",
    md5: "0c23ac0dc9ef46832d7a24504f2a0c7c",
    rows: 951,
    columns: ["category", "l2-category"],
    note: "mean of accuracy per answer (aAcc), per figure (fAcc) and per question (qAcc)",
    rating: hallusionRating,
    metrics: (rows, scored) => {
      const aAcc = rowUnits(scored);
      const fAcc = wholeGroups(rows, (row) => hallusionKeys(row).figure);
      const qAcc = wholeGroups(rows, (row) => hallusionKeys(row).question);
      const third = (name: string, units: Metric["units"]) =>
        units.map(({ id, value }) => ({ id: `${name} ${id}`, value: (100 * value) / 3, stratum: name }));
      return [
        {
          name: "Mean of aAcc, fAcc, qAcc",
          combine: "sum-of-means",
          units: [...third("aAcc", aAcc), ...third("fAcc", fAcc), ...third("qAcc", qAcc)],
        },
        { name: "aAcc", combine: "mean", units: aAcc },
        { name: "fAcc", combine: "mean", units: fAcc },
        { name: "qAcc", combine: "mean", units: qAcc },
      ];
    },
  }),
  yesNoSet({
    name: "POPE",
    md5: "c12f5acb142f2ef1f85a26ba2fbe41d5",
    columns: ["category"],
    note: "accuracy; the table's Overall is the F1 of yes",
    rating: popeRating,
    metrics: (_, scored) => [{ name: "Accuracy", combine: "mean", units: rowUnits(scored) }],
  }),
];
