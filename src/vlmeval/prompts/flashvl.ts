/** @file The prompt of VLMEvalKit's FlashVL adapter: text first, then the pictures (`vlmeval/vlm/flash_vl.py`). */
import { rowChoices } from "../score/letters.ts";
import type { Cells } from "./dataset-default.ts";
import { hasChinese } from "./judge.ts";
import { imagePart, type PromptPart, textPart } from "./parts.ts";

/** VLMEvalKit's kinds of sets, as its prompts look at them. */
export type DatasetType = "MCQ" | "MCQ_MMMU_Pro" | "VQA" | "Y/N";

/** Ends questions to which an answer is short. */
export const BRIEFLY = "Answer the question using a single word or phrase.";

/** Hint, question and options, and a line that asks for a letter in the language of the question. */
export function choiceText(cells: Cells): string {
  const hint = cells.hint ?? null;
  const choices = [...rowChoices(cells)];
  const text = `${hint === null ? "" : `${hint}\n`}${cells.question ?? "nan"}${choices.map(([letter, option]) => `\n${letter}. ${option}`).join("")}`;
  const chinese = hasChinese(text);
  if (choices.length > 0) {
    return (
      text + (chinese ? "\n请直接回答选项字母。" : "\nAnswer with the option's letter from the given choices directly.")
    );
  }
  return text + (chinese ? "\n请直接回答问题。" : "\nAnswer the question directly.");
}

function vqaEnding(dataset: string): string {
  const named = (...names: string[]) => names.some((name) => dataset.includes(name));
  if (named("MathVista", "MathVision")) return "";
  if (named("LLaVABench")) return "\nAnswer this question in detail.";
  // "Anylyze" is upstream's spelling, and part of what the published numbers were made with.
  if (named("MMVet", "OCRBench")) return " Anylyze the reason for the answer.";
  if (named("MTBench_VQA")) return "\n 请直接回答问题";
  return `\n${BRIEFLY}`;
}

/**
 * The first rule that fits decides, by the set's name and then its kind.
 * @example flashvlPrompt("MMStar", "MCQ", { question: "Which?", A: "cat", B: "dog" }, ["0"])
 */
export function flashvlPrompt(
  dataset: string,
  type: DatasetType,
  cells: Cells,
  images: readonly string[],
): PromptPart[] {
  const question = cells.question ?? "nan";
  let text = question;
  if (dataset.includes("MME")) text = `${question} ${BRIEFLY}`;
  else if (dataset.includes("HallusionBench")) text = `${question} Please answer yes or no. ${BRIEFLY}`;
  else if (type === "MCQ") text = choiceText(cells);
  else if (type === "VQA") text = question + vqaEnding(dataset);
  return [textPart(text), ...images.map(imagePart)];
}
