/** @file OCRBench: is any reference answer inside the reply? (VLMEvalKit `OCRBench.evaluate`) */
import { pyStrip } from "../python/text.ts";
import { listItems } from "../python/to-list.ts";

const FORMULAS = "Handwritten Mathematical Expression Recognition";
const TEXT_RECOGNITION = [
  "Regular Text Recognition",
  "Irregular Text Recognition",
  "Artistic Text Recognition",
  "Handwriting Recognition",
  "Digit String Recognition",
  "Non-Semantic Text Recognition",
];
const OTHERS = ["Scene Text-centric VQA", "Doc-oriented VQA", "Key Information Extraction", FORMULAS];
/** The benchmark has 1,000 rows; its normed score is out of 100. */
const NORM = 10;

/**
 * @param answerCell a Python list of accepted texts
 * @example ocrBenchHit("['5 km']", "Scene Text-centric VQA", "It is 5 KM") // true
 */
export function ocrBenchHit(answerCell: string, category: string, prediction: string): boolean {
  const normal = (text: string) =>
    category === FORMULAS
      ? pyStrip(text).replaceAll("\n", " ").replaceAll(" ", "")
      : pyStrip(text.toLowerCase()).replaceAll("\n", " ");
  const reply = normal(prediction);
  return listItems(answerCell).some((answer) => reply.includes(normal(answer)));
}

/** Rows right per group, their sum (0..1000) and the sum / 10. */
export function ocrBenchScores(rows: readonly { category: string; correct: boolean }[]): Record<string, number> {
  const right = (categories: readonly string[]) =>
    rows.filter((row) => row.correct && categories.includes(row.category)).length;
  const out: Record<string, number> = { "Text Recognition": right(TEXT_RECOGNITION) };
  for (const name of OTHERS) out[name] = right([name]);
  const total = Object.values(out).reduce((sum, value) => sum + value, 0);
  return { ...out, "Final Score": total, "Final Score Norm": total / NORM };
}
