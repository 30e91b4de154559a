/** @file MathVerse's mini split in all problem versions (arXiv 2403.14624). */
import { mathVersePrompt } from "../prompts/dataset-default.ts";
import { byCategory, rowUnits } from "../score/by-category.ts";
import { mathVerseTable, scoreMathVerse, verseMetadata } from "../score/mathverse.ts";
import type { RowScore } from "../score/program.ts";
import { distinct } from "../score/table.ts";
import type { Metric, ScoreContext, Scored, SetDefinition, SetReport } from "../set-definition.ts";
import { dataUrl } from "./urls.ts";

function report(scored: readonly Scored[], { rules }: ScoreContext): SetReport {
  const items = scored.map((row) => ({
    version: row.cells.problem_version ?? "nan",
    ...verseMetadata(row.cells.metadata ?? "{}", rules.mode),
    correct: row.score.correct,
  }));
  const versions = distinct(items, (item) => item.version);
  const metrics = versions.map(
    (name): Metric => ({
      name,
      combine: "mean",
      units: rowUnits(scored.filter((_, place) => items[place]!.version === name)),
    }),
  );
  if (versions.length > 1) metrics.unshift({ name: "All versions", combine: "mean", units: rowUnits(scored) });
  return {
    table: mathVerseTable(items),
    metrics,
    headline: metrics[0]?.name ?? "Overall",
    categories: byCategory(scored, ["problem_version"]),
  };
}

const FILES: [suffix: string, file: string, md5: string, rows: number][] = [
  ["", "MathVerse_MINIV", "5017caca32b7fa110c350a1bea861b65", 3940],
  ["_Vision_Only", "MathVerse_MINIVOnly", "68a11d4680014ac881fa37adeadea3a4", 788],
  ["_Vision_Only_cot", "MathVerse_MINIVOnly", "68a11d4680014ac881fa37adeadea3a4", 788],
  ["_Vision_Dominant", "MathVerse_MINIVDom", "b8fb63852d261ab2aaefba29cc2414d3", 788],
  ["_Vision_Intensive", "MathVerse_MINIVInt", "01cbd35be202bb0c4873a4186a63bc19", 788],
  ["_Text_Lite", "MathVerse_MINITLite", "19e4b13bdd30b89a03b2e358bcfefa04", 788],
  ["_Text_Dominant", "MathVerse_MINITDom", "4f5cd2fa6630ea00bb11d6fde1f6fe6a", 788],
];

export const mathVerseSets = FILES.map(
  ([suffix, file, md5, rows]): SetDefinition => ({
    name: `MathVerse_MINI${suffix}`,
    type: "VQA",
    url: dataUrl(`benchmarks/MathVerse/${file}.tsv`),
    md5,
    rows,
    columns: ["index", "question", "answer", "question_for_eval", "problem_version", "metadata"],
    files: "mathverse",
    metricNote: "accuracy per problem version; a judge extracts and compares every answer",
    defaultPrompt: mathVersePrompt,
    *score(answered, { rules }) {
      const scores: RowScore[] = [];
      for (const { cells, prediction } of answered) {
        const line = { question: cells.question_for_eval ?? "nan", answer: cells.answer ?? "nan", prediction };
        scores.push(yield* scoreMathVerse(line, rules));
      }
      return scores;
    },
    report,
  }),
);
