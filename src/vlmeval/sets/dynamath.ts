/** @file DynaMath: 501 questions in 10 variants each (arXiv 2411.00836). */
import { dynaMathPrompt } from "../prompts/dataset-default.ts";
import { byCategory, rowUnits } from "../score/by-category.ts";
import { type DynaMathRow, dynaMathTable, scoreDynaMath, worstCase } from "../score/dynamath.ts";
import type { RowScore, ScoreProgram } from "../score/program.ts";
import type { Answered, ScoreContext, Scored, SetDefinition, SetReport } from "../set-definition.ts";
import { dataUrl } from "./urls.ts";

function* score(rows: readonly Answered[], { rules }: ScoreContext): ScoreProgram<RowScore[]> {
  const scores: RowScore[] = [];
  for (const { cells, prediction } of rows) {
    const line = { prediction, answer: cells.answer ?? "nan", answer_type: cells.answer_type ?? "nan" };
    scores.push(yield* scoreDynaMath(line, rules.mode));
  }
  return scores;
}

function report(rows: readonly Scored[]): SetReport {
  const items = rows.map(
    (row): DynaMathRow => ({
      index: row.index,
      qid: row.cells.qid ?? "nan",
      varid: row.cells.varid ?? "nan",
      subject: row.cells.subject ?? null,
      level: row.cells.knowledge_level ?? null,
      correct: row.score.correct,
    }),
  );
  const worst = [...worstCase(items)].map(([id, right]) => ({ id, value: Number(right) }));
  return {
    table: dynaMathTable(items),
    metrics: [
      { name: "Worst Case", combine: "mean", units: worst },
      { name: "Average", combine: "mean", units: rowUnits(rows) },
    ],
    headline: "Worst Case",
    categories: byCategory(rows, ["subject"]),
  };
}

function dynaMath(name: string): SetDefinition {
  return {
    name,
    type: "VQA",
    url: dataUrl("VLMEval/DynaMath.tsv"),
    md5: "b8425ad9a7114571fc9366e013699494",
    rows: 5010,
    columns: ["index", "question", "answer", "answer_type", "qid", "varid"],
    files: "judged",
    metricNote: "worst case: a question counts if all its variants are right; the average counts every variant",
    defaultPrompt: dynaMathPrompt,
    score,
    report,
  };
}

export const dynaMathSets = [dynaMath("DynaMath"), dynaMath("DynaMath_noprompt")];
