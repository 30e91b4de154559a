/** @file WeMath: does a model that solves the whole also solve its steps? Mastery, rote memory and gaps (VLMEvalKit `utils/wemath.py`). */
import { PythonError } from "../python/errors.ts";
import { npMean } from "../python/np-mean.ts";
import { formatPercent } from "../python/number.ts";
import { pyStrip } from "../python/text.ts";
import type { ScoringMode } from "./rules.ts";
import { WEMATH_CONCEPTS } from "./wemath-concepts.ts";

/** The benchmark's number of groups; upstream divides by it even for a part of the set. */
export const WEMATH_GROUPS = 525;

/** A scored row: `key` is `2steps_1` … `3steps_multi`. */
export interface WeMathRow {
  ID: string;
  key: string;
  concept?: string | null;
  hit: boolean;
}

/**
 * The answer marker rule that upstream uses without a judge: the first character after the last `Answer`, if it is a
 * letter A-H.
 * @throws PythonError TypeError on a missing reply in compatibility mode, as upstream does
 * @example markedAnswer("<Answer>: <<B>>", "compat") // "B"
 */
export function markedAnswer(prediction: string | null, mode: ScoringMode): string | null {
  if (prediction === null) {
    if (mode === "compat") throw new PythonError("TypeError", "'float' object is not subscriptable");
    return null;
  }
  const tail = prediction.split("Answer").at(-1)!;
  const text = pyStrip(pyStrip(tail).replace(/[><:.]/g, ""));
  return /^[A-H]/.test(text) ? text[0]! : null;
}

/** The steps and the whole of one problem; a missing row is undefined and counts neither as right nor as wrong. */
export interface WeMathGroup {
  id: string;
  steps: { hit: boolean | undefined; concept: string | null | undefined }[];
  multi: boolean | undefined;
}

/** Join rows of one ID per number of steps; a group exists where its first step does. */
export function weMathGroups(rows: readonly WeMathRow[], steps: 2 | 3): WeMathGroup[] {
  const byKey = new Map<string, WeMathRow>();
  for (const row of rows) byKey.set(`${row.key}\0${row.ID}`, row);
  const groups: WeMathGroup[] = [];
  for (const first of rows.filter((row) => row.key === `${steps}steps_1`)) {
    const at = (part: string) => byKey.get(`${steps}steps_${part}\0${first.ID}`);
    const list = Array.from({ length: steps }, (_, place) => at(String(place + 1)));
    groups.push({
      id: first.ID,
      steps: list.map((row) => ({ hit: row?.hit, concept: row?.concept })),
      multi: at("multi")?.hit,
    });
  }
  return groups;
}

/** What a group shows about its model, by the strict and the loose rule. */
export interface Mastery {
  insufficientKnowledge: boolean;
  inadequateGeneralization: boolean;
  completeMastery: { strict: boolean; loose: boolean };
  roteMemorization: { strict: boolean; loose: boolean };
}

/** Classify one group. */
export function mastery({ steps, multi }: WeMathGroup): Mastery {
  const anyWrong = steps.some((step) => step.hit === false);
  const allWrong = steps.every((step) => step.hit === false);
  const anyRight = steps.some((step) => step.hit === true);
  const allRight = steps.every((step) => step.hit === true);
  return {
    insufficientKnowledge: anyWrong && multi === false,
    inadequateGeneralization: allRight && multi === false,
    completeMastery: { strict: allRight && multi === true, loose: anyRight && multi === true },
    roteMemorization: { strict: anyWrong && multi === true, loose: allWrong && multi === true },
  };
}

/** The score of one group: 1, or 0.5 for a gap in generalisation, or 0 for missing or rote knowledge. */
export function masteryCredit(group: WeMathGroup, rule: "strict" | "loose"): number {
  const found = mastery(group);
  if (found.insufficientKnowledge || found.roteMemorization[rule]) return 0;
  return found.inadequateGeneralization ? 0.5 : 1;
}

/**
 * The four-dimensional table's row. Compatibility mode divides by 525 whatever the number of groups, and raises where
 * upstream divides by zero; correct mode divides by the groups there are and shows 0 for an empty ratio.
 */
export function weMathMastery(rows: readonly WeMathRow[], mode: ScoringMode): Record<string, string> {
  const groups = [...weMathGroups(rows, 2), ...weMathGroups(rows, 3)];
  const found = groups.map(mastery);
  const count = (pick: (item: Mastery) => boolean) => found.filter(pick).length;
  const total = mode === "compat" ? WEMATH_GROUPS : groups.length;
  const IK = count((item) => item.insufficientKnowledge);
  const IG = count((item) => item.inadequateGeneralization);
  const out: Record<string, string> = {};
  for (const rule of ["strict", "loose"] as const) {
    const CM = count((item) => item.completeMastery[rule]);
    const RM = count((item) => item.roteMemorization[rule]);
    if (CM + RM === 0 && mode === "compat") throw new PythonError("ZeroDivisionError", "division by zero");
    const label = rule === "strict" ? "(Strict)" : "(Loose)";
    const rate = (n: number, of: number) => `${formatPercent(of === 0 ? 0 : n / of)} (${n})`;
    out[`Score ${label}`] = formatPercent((total - 0.5 * IG - RM - IK) / total);
    out[`InsufficientKnowledge ${label}`] = rate(IK, total);
    out[`InadequateGeneralization ${label}`] = rate(IG, total);
    out[`CompleteMastery ${label}`] = rate(CM, total);
    out[`RoteMemorization ${label}`] = rate(RM, CM + RM);
  }
  return out;
}

/** Plain accuracies: single steps, two-step and three-step problems, and the 12 groups of concepts. */
export function weMathAccuracy(rows: readonly WeMathRow[]): Record<string, string> {
  const two = weMathGroups(rows, 2);
  const three = weMathGroups(rows, 3);
  const steps = [...two, ...three].flatMap((group) => group.steps);
  const out: Record<string, string> = {
    "One-step(S1)": formatPercent(meanHit(steps.map((step) => step.hit))),
    "Two-step(S2)": formatPercent(meanHit(two.map((group) => group.multi))),
    "Three-step(S3)": formatPercent(meanHit(three.map((group) => group.multi))),
  };
  for (const [name, concepts] of Object.entries(WEMATH_CONCEPTS)) {
    const means = concepts
      .map((concept) => meanHit(steps.filter((step) => step.concept === concept).map((step) => step.hit)))
      .filter((value) => !Number.isNaN(value));
    out[name] = formatPercent(npMean(means));
  }
  return out;
}

/** The mean over the values that exist; NaN if there is none. */
function meanHit(hits: readonly (boolean | undefined)[]): number {
  return npMean(hits.filter((hit) => hit !== undefined).map(Number));
}
