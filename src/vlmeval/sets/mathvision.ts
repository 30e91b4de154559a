/** @file MATH-Vision, whole and mini (arXiv 2402.14804). */
import { questionPrompt } from "../prompts/dataset-default.ts";
import { byCategory, rowUnits } from "../score/by-category.ts";
import { PREFETCHED } from "../score/extract-answer.ts";
import { mathVisionTable, scoreMathVision } from "../score/mathvision.ts";
import type { RowScore } from "../score/program.ts";
import type { SetDefinition } from "../set-definition.ts";
import { dataUrl } from "./urls.ts";

function mathVision(name: string, md5: string, rows: number): SetDefinition {
  return {
    name,
    type: "VQA",
    url: dataUrl(`VLMEval/${name}.tsv`),
    md5,
    rows,
    columns: ["index", "question", "answer", "choices", "category"],
    files: "judged",
    metricNote: "accuracy over all rows",
    defaultPrompt: questionPrompt,
    *score(answered, { rules }) {
      const scores: RowScore[] = [];
      for (const { cells, prediction } of answered) {
        const line = {
          question: cells.question ?? "nan",
          choices: cells.choices ?? "[]",
          answer: cells.answer ?? "nan",
          prediction,
        };
        scores.push(yield* scoreMathVision(line, rules));
      }
      return scores;
    },
    report: (scored) => ({
      table: mathVisionTable(
        scored.map((row) => ({
          category: row.cells.category ?? "nan",
          prefetched: row.score.fields.log === PREFETCHED,
          correct: row.score.correct,
        })),
      ),
      metrics: [{ name: "Overall", combine: "mean", units: rowUnits(scored) }],
      headline: "Overall",
      categories: byCategory(scored, ["category"]),
    }),
  };
}

export const mathVisionSets = [
  mathVision("MathVision", "93f6de14f7916e598aa1b7165589831e", 3040),
  mathVision("MathVision_MINI", "060fe4fa5d868987ce179307bd5f8a33", 304),
];
