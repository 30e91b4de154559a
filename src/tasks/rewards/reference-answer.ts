/** @file The score of an answer against a reference answer: text as text, numbers and expressions as mathematics. */

import { equalAnswers } from "../equivalence/checker.ts";
import type { Score } from "../task.ts";

const plain = (text: string): string =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/\s+/g, " ")
    .replace(/[.。!!,,;;]+$/u, "")
    .trim();

/** What stands in the last `<answer>…</answer>`, or all of it. @example finalAnswer("<think>…</think><answer>4</answer>") // "4" */
export const finalAnswer = (text: string): string =>
  [...text.matchAll(/<answer>(.*?)<\/answer>/gs)].at(-1)?.[1]?.trim() ?? text.trim();

/** The number that a text is, with thousands commas, a percent sign or a currency left out; NaN when it is none. */
function numberOf(text: string): number {
  const bare = plain(text).replace(/^[¥$€£]\s*|\s*%$|,(?=\d{3}\b)/g, "");
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/.test(bare) ? Number(bare) : Number.NaN;
}

/** References longer than this are prose: comparing expressions takes time. */
const LONGEST_EXPRESSION = 200;
const isExpression = (text: string): boolean => /[\\^=+*/]|\d\s*-/.test(text) && text.length <= LONGEST_EXPRESSION;

async function isRight(found: string, expected: string): Promise<boolean> {
  if (plain(found) === plain(expected)) return true;
  const number = numberOf(expected);
  if (!Number.isNaN(number)) return numberOf(found) === number;
  return isExpression(expected) && found.length <= LONGEST_EXPRESSION && equalAnswers(found, expected);
}

/**
 * Right when the final answer is the reference: the same words (case, spaces, width of characters and the last stop do not
 * matter), the same number, or, where the reference is an expression, one that equals it.
 * @example (await scoreReference("<think>2 + 2</think><answer>4.0</answer>", "4")).correct // true
 */
export async function scoreReference(answer: string, reference: string): Promise<Score> {
  const [found, expected] = [finalAnswer(answer), finalAnswer(reference)];
  const correct = await isRight(found, expected);
  return { correct, value: Number(correct), detail: `${JSON.stringify(found)}, expected ${JSON.stringify(expected)}` };
}
