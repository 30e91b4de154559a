/** @file How well a short reply fits each reference answer: VQA accuracy, ANLS, relaxed accuracy, equality (VLMEvalKit `utils/vqa_eval.py`). */
import { distance } from "fastest-levenshtein";
import { parsePyLiteral, pyStr } from "../python/literal.ts";
import { npMean } from "../python/np-mean.ts";
import { parsePyFloat } from "../python/number.ts";
import { codePointLength, pySplit, pyStrip } from "../python/text.ts";
import type { ScoringMode } from "./rules.ts";
import { normaliseVqaAnswer } from "./vqa-normalise.ts";

export type VqaMethod = "vqa_score" | "anls" | "relaxed_accuracy" | "accuracy";

/** Annotators, beside the one whose answer is compared, that must agree for full credit. */
export const FULL_AGREEMENT = 3;
/** ChartQA's tolerance (arXiv 2203.10244, section 5.1). */
const RELAXED_CHANGE = 0.05;
/** Below this similarity ANLS gives nothing (arXiv 1905.13648). */
const ANLS_THRESHOLD = 0.5;

/** The reference answers in an answer cell: a Python list, or the cell itself. */
export function referenceAnswers(cell: string): string[] {
  try {
    const value = parsePyLiteral(cell);
    if (value !== null && typeof value === "object" && !(value instanceof Map) && value.kind === "list") {
      return value.items.map(pyStr);
    }
  } catch {
    // Not a literal: the cell is the answer.
  }
  return [cell];
}

function toFraction(text: string): number | null {
  if (!text.endsWith("%")) return parsePyFloat(text);
  const number = parsePyFloat(text.replace(/%+$/, ""));
  return number === null ? null : number / 100;
}

/**
 * ChartQA's relaxed correctness: numbers within 5 %, anything else equal but for case. In compatibility mode a target
 * of zero is compared as text, as upstream does.
 * @example relaxedCorrectness("10%", "0.1", "compat") // true
 */
export function relaxedCorrectness(target: string, prediction: string, mode: ScoringMode): boolean {
  const predicted = toFraction(prediction);
  const expected = toFraction(target);
  if (predicted !== null && expected !== null && expected === 0 && mode === "correct") return predicted === 0;
  if (predicted !== null && expected !== null && expected !== 0) {
    return Math.abs(predicted - expected) / Math.abs(expected) <= RELAXED_CHANGE;
  }
  return prediction.toLowerCase() === target.toLowerCase();
}

/** Edit distance over code points: astral characters are first mapped to single units of the private area. */
function editDistance(a: string, b: string): number {
  if (!/[\ud800-\udfff]/.test(a + b)) return distance(a, b);
  const codes = new Map<string, string>();
  const shrink = (text: string) =>
    Array.from(text, (char) => {
      if (!codes.has(char)) codes.set(char, String.fromCharCode(codes.size));
      return codes.get(char);
    }).join("");
  return distance(shrink(a), shrink(b));
}

/**
 * Normalised edit distance, 0 best. In compatibility mode the length is that of the texts before normalisation.
 * @example anlsDistance("abc", "ab", "compat") // 1/3
 */
export function anlsDistance(groundTruth: string, prediction: string, mode: ScoringMode): number {
  const truth = pySplit(groundTruth.toLowerCase()).join(" ");
  const reply = pySplit(prediction.toLowerCase()).join(" ");
  const [first, second] = mode === "compat" ? [groundTruth, prediction] : [truth, reply];
  const length = Math.max(upperLength(first), upperLength(second));
  return length === 0 ? 0 : editDistance(truth, reply) / length;
}

/** `len(text.upper())`; upper-casing can lengthen a text ("ß"). */
function upperLength(text: string): number {
  return codePointLength(text.toUpperCase());
}

export interface VqaMatches {
  gt: string[];
  pred: string;
  /** Truths for relaxed accuracy, numbers otherwise, as in VLMEvalKit's results file. */
  match: (number | boolean)[];
}

/**
 * The match of one reply with each reference answer (`process_line`).
 * @param answerCell the TSV's answer cell
 */
export function vqaMatches(answerCell: string, prediction: string, method: VqaMethod, mode: ScoringMode): VqaMatches {
  const answers = referenceAnswers(answerCell);
  if (method === "vqa_score") {
    const gt = answers.map((answer) => normaliseVqaAnswer(answer, mode));
    const pred = normaliseVqaAnswer(prediction, mode);
    const agreeing = gt.filter((answer) => answer === pred).length;
    const match = gt.map((answer) => Math.min(1, (agreeing - (answer === pred ? 1 : 0)) / FULL_AGREEMENT));
    return { gt, pred, match };
  }
  if (method === "anls") {
    return { gt: answers, pred: prediction, match: answers.map((a) => anlsDistance(a, prediction, mode)) };
  }
  const pred = pyStrip(prediction);
  if (method === "relaxed_accuracy") {
    return { gt: answers, pred, match: answers.map((answer) => relaxedCorrectness(answer, pred, mode)) };
  }
  const same = (answer: string) => pyStrip(answer).toLowerCase() === pred.toLowerCase();
  return { gt: answers, pred, match: answers.map((answer) => (same(answer) ? 1 : 0)) };
}

/** How the matches of one reply become its score. */
export type VqaAggregate = "mean" | "max" | "similarity";

/**
 * The score of one reply from its matches (`hit_calculate`), 0..1.
 * @example vqaHit([0, 0.25], "similarity") // 1
 */
export function vqaHit(matches: readonly (number | boolean)[], aggregate: VqaAggregate): number {
  const match = matches.map(Number);
  if (match.length === 0) return 0;
  if (aggregate === "mean") return npMean(match);
  if (aggregate === "max") return Math.max(...match);
  const similarity = 1 - Math.min(...match);
  return similarity < ANLS_THRESHOLD ? 0 : similarity;
}
