/** @file Vector functions of multiple choice: matcher, circular groups, MMMU, accuracy reports. */
import { besidePredictions } from "../../../src/eval/report/file-names.ts";
import type { PromptPart } from "../../../src/vlmeval/prompts/parts.ts";
import { splitAtImageTags } from "../../../src/vlmeval/prompts/split-images.ts";
import { canInfer, canInferOption, canInferText } from "../../../src/vlmeval/score/can-infer.ts";
import { rowChoices } from "../../../src/vlmeval/score/letters.ts";
import { lastAnswer, withOpenOptions } from "../../../src/vlmeval/score/mmmu.ts";
import { type ChoiceItem, extractOption, prefetchCircular } from "../../../src/vlmeval/score/multiple-choice.ts";
import { reportAccuracy } from "../../../src/vlmeval/score/report-accuracy.ts";
import { DEFAULT_RULES, type MatcherVersion } from "../../../src/vlmeval/score/rules.ts";
import { customSet, findSet } from "../../../src/vlmeval/sets/index.ts";
import { evaluate } from "./evaluate.ts";
import { cells, type Input, rowsOf, text } from "./input.ts";
import { withReplies } from "./stub-judge.ts";

type Matcher = typeof canInfer;

function matcher(match: Matcher, version: MatcherVersion = "2026-06") {
  return (input: Input) => {
    const choices = rowChoices(cells(input.choices));
    return match(text(input.answer), choices, { ...DEFAULT_RULES, matcher: version }) ?? false;
  };
}

function item(row: Input, truth: string): ChoiceItem {
  return { question: text(row.question), choices: rowChoices(cells(row)), prediction: text(row.prediction), truth };
}

async function evaluateChoice(input: Input) {
  const name = text(input.dataset);
  const rows = input.rows === undefined ? MMMU_PRO_COT_ROWS : rowsOf(input);
  const set = findSet(name) ?? customSet(name, Object.keys(rows[0]!));
  const base = input.rows === undefined ? `M_${name}.xlsx` : "m_d.xlsx";
  const { report, files } = await evaluate(set, rows, null, null, base);
  if (input.rows === undefined) return { score: report.table, files };
  return { metrics: report.table.rows, files };
}

/** The file leaves the rows of this case out: two rows of one category, the first right. */
const MMMU_PRO_COT_ROWS: Input[] = ["B", "A"].map((letter, index) => ({
  index,
  question: "Q",
  A: "one",
  B: "two",
  answer: "B",
  category: "Math",
  split: "validation",
  prediction: `Let me think.\nAnswer: ${letter}`,
}));

export const choiceFunctions: Record<string, (input: Input) => unknown> = {
  can_infer_option: matcher(canInferOption),
  can_infer_text: matcher(canInferText),
  can_infer: matcher(canInfer),
  "can_infer@2025-05-29": matcher(canInfer, "2025-05"),
  "can_infer@2025-08-04": matcher(canInfer, "2025-08"),
  build_choices: (input) => Object.fromEntries(rowChoices(cells(input.item))),
  extract_answer_from_item: async (input) => {
    const row = input.item as Input;
    const { result, calls } = await withReplies(
      extractOption(item(row, text(row.answer)), DEFAULT_RULES),
      input.judge_replies,
    );
    return { opt: result.letter, judge_calls: calls };
  },
  MMMU_preproc: (input) => {
    const rows = rowsOf(input);
    return { columns: Object.keys(rows[0]!), rows: rows.map((row) => withOpenOptions(cells(row))) };
  },
  report_acc: (input) => {
    const { rows } = reportAccuracy(rowsOf(input).map((row) => ({ hit: Number(row.hit), cells: cells(row) })));
    return Object.fromEntries(rows.map(({ split, ...rest }) => [split, rest]));
  },
  prefetch_circular_group: (input) => {
    const group = rowsOf(input).map((row) => item(row, text(row.GT)));
    const { hit } = prefetchCircular(group, DEFAULT_RULES);
    return hit === null ? null : { hit };
  },
  "MMMUDataset.evaluate(exact_matching)": evaluateChoice,
  "ImageMCQDataset.evaluate(exact_matching)": evaluateChoice,
  "MMMUProDataset.evaluate(exact_matching)": evaluateChoice,
  "MMMUProDataset.cot_postproc": (input) => lastAnswer(text(input.response), "compat"),
  "MMMUDataset.split_MMMU": (input) => splitAtImageTags(input.messages as unknown as PromptPart[]),
  get_intermediate_file_path: (input) =>
    besidePredictions(text(input.eval_file), text(input.suffix), input.target_format as string | null),
};
