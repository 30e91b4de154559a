/** @file MathVista's mini split (arXiv 2310.02255). */
import { questionPrompt } from "../prompts/dataset-default.ts";
import { byCategory, rowUnits } from "../score/by-category.ts";
import { PREFETCHED } from "../score/extract-answer.ts";
import { mathVistaTable, rowSkills, scoreMathVista } from "../score/mathvista.ts";
import type { RowScore } from "../score/program.ts";
import type { SetDefinition } from "../set-definition.ts";
import { dataUrl } from "./urls.ts";

export const mathVistaSets: SetDefinition[] = [
  {
    name: "MathVista_MINI",
    type: "VQA",
    url: dataUrl("VLMEval/MathVista_MINI.tsv"),
    md5: "f199b98e178e5a2a20e7048f5dcb0464",
    rows: 1000,
    columns: [
      "index",
      "question",
      "answer",
      "question_type",
      "answer_type",
      "choices",
      "answer_option",
      "task",
      "skills",
    ],
    files: "judged",
    metricNote: "accuracy over all rows",
    defaultPrompt: questionPrompt,
    *score(answered, { rules }) {
      const scores: RowScore[] = [];
      for (const { cells, prediction } of answered) {
        const line = {
          question: cells.question ?? "nan",
          question_type: cells.question_type ?? "nan",
          answer_type: cells.answer_type ?? "nan",
          choices: cells.choices ?? "[]",
          answer: cells.answer ?? "nan",
          answer_option: cells.answer_option ?? null,
          prediction,
        };
        scores.push(yield* scoreMathVista(line, rules));
      }
      return scores;
    },
    report: (scored) => ({
      table: mathVistaTable(
        scored.map((row) => ({
          task: row.cells.task ?? "nan",
          skills: rowSkills(row.cells.skills ?? "nan"),
          prefetched: row.score.fields.log === PREFETCHED,
          correct: row.score.correct,
        })),
      ),
      metrics: [{ name: "Overall", combine: "mean", units: rowUnits(scored) }],
      headline: "Overall",
      categories: byCategory(scored, ["task"]),
    }),
  },
];
