/** @file Short-answer sets: TextVQA, DocVQA, InfoVQA, ChartQA, and any other with an answer column. */
import { shortAnswerPrompt } from "../prompts/dataset-default.ts";
import { type PyValue, pyRepr } from "../python/literal.ts";
import { npMean } from "../python/np-mean.ts";
import { byCategory, rowUnits } from "../score/by-category.ts";
import type { RowScore } from "../score/program.ts";
import { byCodePoint } from "../score/report-accuracy.ts";
import { distinct, oneRow, type Table, type Value } from "../score/table.ts";
import { FULL_AGREEMENT, type VqaAggregate, type VqaMethod, vqaHit, vqaMatches } from "../score/vqa-matches.ts";
import type { Scored, SetDefinition } from "../set-definition.ts";
import { dataUrl } from "./urls.ts";

/** How VLMEvalKit scores a short-answer set, by its name. */
export function vqaRule(dataset: string): { method: VqaMethod; aggregate: VqaAggregate } {
  const named = (...names: string[]) => names.some((name) => dataset.includes(name));
  if (named("TextVQA")) return { method: "vqa_score", aggregate: "mean" };
  if (named("ChartQA")) return { method: "relaxed_accuracy", aggregate: "max" };
  if (named("OCRVQA")) return { method: "accuracy", aggregate: "max" };
  if (named("GQA")) return { method: "accuracy", aggregate: "mean" };
  if (named("DocVQA", "InfoVQA")) return { method: "anls", aggregate: "similarity" };
  return { method: "vqa_score", aggregate: "mean" };
}

function pyList(items: readonly (string | number | boolean)[]): string {
  return pyRepr({ kind: "list", items: items as PyValue[] });
}

/** Percent overall; per split if there is one, else per category. */
export function vqaTable(rows: readonly Scored[]): Table {
  const out: Record<string, Value> = {};
  const percent = (part: readonly Scored[]) => npMean(part.map((row) => row.score.value)) * 100;
  if (rows.some((row) => "split" in row.cells)) {
    for (const split of distinct(rows, (row) => row.cells.split)) {
      out[split] = percent(rows.filter((row) => row.cells.split === split));
    }
    out.Overall = percent(rows);
  } else {
    out.Overall = percent(rows);
    for (const category of distinct(rows, (row) => row.cells.category).sort(byCodePoint)) {
      out[category] = percent(rows.filter((row) => row.cells.category === category));
    }
  }
  return oneRow(out);
}

/**
 * A short-answer set under VLMEvalKit's rule for its name.
 * @param own a file of one's own, which VLMEvalKit does not score: with too few references for annotators to agree (VQA
 * accuracy would be 0 for any reply) a reply is right that equals one of them
 */
export function vqaSet(basics: Pick<SetDefinition, "name"> & Partial<SetDefinition>, own = false): SetDefinition {
  const { method, aggregate } = vqaRule(basics.name);
  return {
    type: "VQA",
    columns: ["index", "question", "answer"],
    files: "vqa",
    metricNote: {
      vqa_score: "VQA accuracy",
      anls: "ANLS",
      relaxed_accuracy: "relaxed accuracy (5 %)",
      accuracy: "exact match",
    }[method],
    defaultPrompt: shortAnswerPrompt,
    *score(answered, { rules }) {
      return answered.map(({ cells, prediction }): RowScore => {
        const found = vqaMatches(cells.answer ?? "nan", prediction, method, rules.mode);
        const { gt, pred } = found;
        const isFew = own && method === "vqa_score" && gt.length <= FULL_AGREEMENT;
        const match = isFew ? gt.map((answer) => Number(answer === pred)) : found.match;
        const value = vqaHit(match, isFew ? "max" : aggregate);
        const fields = {
          eval_gt: pyList(gt),
          eval_pred: pred,
          eval_match: pyList(match),
          eval_score: npMean(match.map(Number)),
        };
        return { value, correct: value === 1, extracted: pred, decision: "rule", fields };
      });
    },
    report: (scored) => ({
      table: vqaTable(scored),
      metrics: [{ name: "Overall", combine: "mean", units: rowUnits(scored) }],
      headline: "Overall",
      categories: byCategory(scored, ["split", "category"]),
    }),
    ...basics,
  };
}

const FILES: [name: string, md5: string, rows?: number][] = [
  ["TextVQA_VAL", "b233b31f551bbf4056f2f955da3a92cd", 5000],
  ["DocVQA_VAL", "d5ee77e1926ff10690d469c56b73eabf", 5349],
  ["DocVQA_TEST", "6a2f28cac26ef2d3447374e8c6f6c8e9"],
  ["InfoVQA_VAL", "2342e9c225222f0ef4dec545ebb126fe"],
  ["ChartQA_TEST", "c902e0aa9be5582a7aad6dcf52734b42", 2500],
];

export const vqaSets = FILES.map(([name, md5, rows]) =>
  vqaSet({ name, md5, rows, url: dataUrl(`VLMEval/${name}.tsv`) }),
);
