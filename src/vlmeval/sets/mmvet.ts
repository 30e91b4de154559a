/** @file MM-Vet (arXiv 2308.02490). */
import { questionPrompt } from "../prompts/dataset-default.ts";
import { byCategory, rowUnits } from "../score/by-category.ts";
import { gradeMmVet, mmVetTables } from "../score/mmvet.ts";
import type { RowScore } from "../score/program.ts";
import type { SetDefinition } from "../set-definition.ts";
import { dataUrl } from "./urls.ts";

export const mmVetSets: SetDefinition[] = [
  {
    name: "MMVet",
    type: "VQA",
    url: dataUrl("VLMEval/MMVet.tsv"),
    md5: "748aa6d4aa9d4de798306a63718455e3",
    rows: 218,
    columns: ["index", "question", "answer", "category"],
    files: "mmvet",
    metricNote: "mean of a judge's grades; needs a judge (VLMEvalKit's default is gpt-4-turbo)",
    defaultPrompt: questionPrompt,
    *score(answered) {
      const scores: RowScore[] = [];
      for (const { cells, prediction } of answered) {
        scores.push(
          yield* gradeMmVet({ question: cells.question ?? "nan", answer: cells.answer ?? "nan", prediction }),
        );
      }
      return scores;
    },
    report: (scored, { rules }) => {
      const rows = scored.map((row) => ({ category: row.cells.category ?? "nan", score: row.score.value }));
      const { score, fine } = mmVetTables(rows, rules.mode);
      return {
        table: score,
        fine,
        metrics: [{ name: "Overall", combine: "mean", units: rowUnits(scored) }],
        headline: "Overall",
        categories: byCategory(scored, ["category"]),
      };
    },
  },
];
