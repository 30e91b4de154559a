/** @file WeMath and its chain-of-thought variant (arXiv 2407.01284). */
import { weMathPrompt } from "../prompts/dataset-default.ts";
import { byCategory, rowUnits } from "../score/by-category.ts";
import { scoreChoice } from "../score/multiple-choice.ts";
import type { RowScore, ScoreProgram } from "../score/program.ts";
import { oneRow } from "../score/table.ts";
import {
  markedAnswer,
  masteryCredit,
  type WeMathRow,
  weMathAccuracy,
  weMathGroups,
  weMathMastery,
} from "../score/wemath.ts";
import type { Answered, Metric, ScoreContext, Scored, SetDefinition, SetReport } from "../set-definition.ts";
import { choiceItem } from "./choice.ts";
import { dataUrl } from "./urls.ts";

/** Without a judge upstream uses the answer marker; correct mode the matcher, as with a judge. */
function* score(rows: readonly Answered[], { rules, judge }: ScoreContext, name: string): ScoreProgram<RowScore[]> {
  const scores: RowScore[] = [];
  for (const row of rows) {
    if (judge || rules.mode === "correct") {
      scores.push(yield* scoreChoice(choiceItem(row), rules, name === "WeMath"));
      continue;
    }
    const letter = markedAnswer(row.prediction, rules.mode);
    const correct = letter !== null && letter === row.cells.answer;
    scores.push({
      value: correct ? 1 : 0,
      correct,
      extracted: letter,
      decision: letter === null ? "undecided" : "rule",
      fields: { processed_answer: letter, joker: correct },
    });
  }
  return scores;
}

function report(rows: readonly Scored[], { rules }: ScoreContext): SetReport {
  const items = rows.map(
    (row): WeMathRow => ({
      ID: row.cells.ID ?? "nan",
      key: row.cells.key ?? "nan",
      concept: row.cells["knowledge concept"],
      hit: row.score.correct,
    }),
  );
  const groups = [...weMathGroups(items, 2), ...weMathGroups(items, 3)];
  const scoreUnits = (rule: "strict" | "loose") =>
    groups.map((group) => ({ id: group.id, value: masteryCredit(group, rule) }));
  const metrics: Metric[] = [
    { name: "Score (Strict)", combine: "mean", units: scoreUnits("strict") },
    { name: "Score (Loose)", combine: "mean", units: scoreUnits("loose") },
    { name: "Accuracy", combine: "mean", units: rowUnits(rows) },
  ];
  return {
    table: oneRow({ Model: null, ...weMathMastery(items, rules.mode), ...weMathAccuracy(items) }),
    metrics,
    headline: "Score (Strict)",
    categories: byCategory(rows, ["key"]),
  };
}

function weMath(name: string): SetDefinition {
  return {
    name,
    type: "MCQ",
    url: dataUrl("VLMEval/WeMath.tsv"),
    md5: "b5e969a075f01290a542411fb7766388",
    rows: 1740,
    columns: ["index", "question", "answer", "A", "B", "ID", "key", "knowledge concept"],
    files: "wemath",
    metricNote: "strict score over 525 problem groups; loose score and plain accuracy beside it",
    defaultPrompt: weMathPrompt,
    score: (rows, context) => score(rows, context, name),
    report,
  };
}

export const weMathSets = [weMath("WeMath"), weMath("WeMath_COT")];
