/** @file OCRBench (arXiv 2305.07895). */
import { questionPrompt } from "../prompts/dataset-default.ts";
import { byCategory, rowUnits } from "../score/by-category.ts";
import { ocrBenchHit, ocrBenchScores } from "../score/ocrbench.ts";
import type { RowScore } from "../score/program.ts";
import { oneRow } from "../score/table.ts";
import type { SetDefinition } from "../set-definition.ts";
import { dataUrl } from "./urls.ts";

function ocrBench(name: string, path: string, md5: string | undefined, rows?: number): SetDefinition {
  return {
    name,
    type: "VQA",
    url: dataUrl(path),
    md5,
    rows,
    columns: ["index", "question", "answer", "category"],
    files: "ocrbench",
    metricNote: "number of right rows (0 to 1000)",
    defaultPrompt: questionPrompt,
    *score(answered) {
      return answered.map(({ cells, prediction }): RowScore => {
        const correct = ocrBenchHit(cells.answer ?? "[]", cells.category ?? "nan", prediction);
        return { value: correct ? 1 : 0, correct, extracted: null, decision: "rule", fields: { hit: correct ? 1 : 0 } };
      });
    },
    report: (scored) => ({
      table: oneRow(
        ocrBenchScores(scored.map((row) => ({ category: row.cells.category ?? "nan", correct: row.score.correct }))),
      ),
      metrics: [{ name: "Final Score", combine: "sum", units: rowUnits(scored) }],
      headline: "Final Score",
      categories: byCategory(scored, ["category"]),
    }),
  };
}

export const ocrBenchSets = [
  ocrBench("OCRBench", "VLMEval/OCRBench.tsv", "e953d98a987cc6e26ef717b61260b778", 1000),
  ocrBench("OCRBench_MINI", "TEST/OCRBench_MINI.tsv", undefined),
];
