/** @file Writes a short chain and its result as `<think>…</think><answer>…</answer>`. */

import type { Language } from "../words.ts";

/** An answer with its working, and the brief one that says what is read and then the same result. */
export const worked = (working: string[], readings: string[], result: string, language: Language) => ({
  answer: reason(working, result, language),
  brief: reason(readings, result, language),
});

/** The chain in which what is read comes first and what follows from it later; an empty chain says that nothing fits. */
export function reason(steps: string[], answer: string, language: Language): string {
  const chain = steps.length > 0 ? steps.join(language === "zh" ? "," : ", ") : language === "zh" ? "没有" : "none";
  return `<think>${chain}</think><answer>${answer}</answer>`;
}
