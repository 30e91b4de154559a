/** @file All benchmark sets by name, and the rule for a file that is none of them. */
import type { SetDefinition } from "../set-definition.ts";
import { choiceSet } from "./choice.ts";
import { dynaMathSets } from "./dynamath.ts";
import { generalChoiceSets, mmbenchSets } from "./general-choice.ts";
import { mathVerseSets } from "./mathverse.ts";
import { mathVisionSets } from "./mathvision.ts";
import { mathVistaSets } from "./mathvista.ts";
import { mmmuSets } from "./mmmu.ts";
import { mmVetSets } from "./mmvet.ts";
import { ocrBenchSets } from "./ocrbench.ts";
import { vqaSet, vqaSets } from "./vqa.ts";
import { weMathSets } from "./wemath.ts";
import { yesNoSets } from "./yes-no.ts";

/** Every known set, the mathematics sets of the model card first. */
export const VLM_SETS: readonly SetDefinition[] = [
  ...dynaMathSets,
  ...mathVisionSets,
  ...mathVerseSets,
  ...mmmuSets,
  ...weMathSets,
  ...mmbenchSets,
  ...generalChoiceSets,
  ...mathVistaSets,
  ...ocrBenchSets,
  ...yesNoSets,
  ...mmVetSets,
  ...vqaSets,
];

/** A known set, or undefined. @example findSet("MMStar") */
export function findSet(name: string): SetDefinition | undefined {
  return VLM_SETS.find((set) => set.name === name);
}

/**
 * The definition for a file of one's own: multiple choice if it has the columns A and B, else short answers.
 * @param columns the columns of the file
 * @throws if there is no question column
 */
export function customSet(name: string, columns: readonly string[]): SetDefinition {
  if (!columns.includes("question")) {
    throw new Error(`${name} has the columns ${columns.join(", ")}; expected at least index, question and answer.`);
  }
  return columns.includes("A") && columns.includes("B") ? choiceSet({ name }) : vqaSet({ name }, true);
}
