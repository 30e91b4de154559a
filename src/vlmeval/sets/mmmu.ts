/** @file MMMU (arXiv 2311.16502) and MMMU-Pro (arXiv 2409.02813) in all variants. */
import { mmmuPrompt, mmmuProPrompt } from "../prompts/dataset-default.ts";
import { lastAnswer, mmmuTruth, withOpenOptions } from "../score/mmmu.ts";
import { scoreChoice } from "../score/multiple-choice.ts";
import type { RowScore, ScoreProgram } from "../score/program.ts";
import type { Answered, ScoreContext, SetDefinition } from "../set-definition.ts";
import { choiceItem, choiceSet } from "./choice.ts";
import { dataUrl } from "./urls.ts";

/** Open questions become two-option ones; replies of chains of thought are cut to their last answer first. */
function scoreMmmu(reasons: boolean) {
  return function* (rows: readonly Answered[], { rules }: ScoreContext): ScoreProgram<RowScore[]> {
    const scores: RowScore[] = [];
    for (const row of rows) {
      const prediction = reasons ? lastAnswer(row.prediction, rules.mode) : row.prediction;
      const cells = withOpenOptions(row.cells);
      const item = choiceItem({ ...row, cells, prediction }, mmmuTruth(row.cells.answer));
      const score = yield* scoreChoice(item, rules);
      scores.push(reasons ? { ...score, fields: { prediction, ...score.fields } } : score);
    }
    return scores;
  };
}

function mmmu(name: string, md5: string, rows?: number): SetDefinition {
  const columns = ["index", "question", "answer"];
  const url = dataUrl(`VLMEval/${name}.tsv`);
  return choiceSet({ name, md5, rows, url, columns, defaultPrompt: mmmuPrompt, score: scoreMmmu(false) });
}

function mmmuPro(name: string, file: string, md5: string | undefined): SetDefinition {
  const reasons = name.endsWith("_COT");
  const vision = name.includes("_V");
  return choiceSet({
    name,
    md5,
    url: dataUrl(`VLMEval/${file}.tsv`),
    rows: 1730,
    type: "MCQ_MMMU_Pro",
    columns: vision ? ["index", "answer"] : ["index", "question", "answer"],
    files: reasons ? "choice-cot" : "choice",
    defaultPrompt: mmmuProPrompt,
    score: scoreMmmu(reasons),
  });
}

export const mmmuSets = [
  mmmu("MMMU_DEV_VAL", "585e8ad75e73f75dcad265dfd0417d64", 1050),
  mmmu("MMMU_TEST", "c19875d11a2d348d07e5eb4bdf33166d"),
  mmmuPro("MMMU_Pro_10c", "MMMU_Pro_10c", "22cee868fe6b680d14b99bfff6db8172"),
  mmmuPro("MMMU_Pro_10c_COT", "MMMU_Pro_10c", "22cee868fe6b680d14b99bfff6db8172"),
  mmmuPro("MMMU_Pro_V", "MMMU_Pro_V", "d01441a87b3dbe721b5a04652ae38009"),
  mmmuPro("MMMU_Pro_V_COT", "MMMU_Pro_V", "d01441a87b3dbe721b5a04652ae38009"),
  // The four-option form has no file of VLMEvalKit's; it is read from the data folder in the same columns.
  { ...mmmuPro("MMMU_Pro_4c", "MMMU_Pro_4c", undefined), url: undefined },
  { ...mmmuPro("MMMU_Pro_4c_COT", "MMMU_Pro_4c", undefined), url: undefined },
];
