/** @file The option matcher: which option letter a free reply means, by letter first, by option text second (VLMEvalKit `utils/matching_util.py`). */
import { codePointLength, PY_SPACE, pySplit } from "../python/text.ts";
import type { ScoringRules } from "./rules.ts";

/** Option letters with their texts, in order. */
export type Choices = ReadonlyMap<string, string>;

/** A model or judge that could not answer leaves this text behind. */
export const API_FAILURE = "Failed to obtain answer via API";

const REFUSALS = [
  "Sorry, I can't help with images of people yet.",
  "I can't process this file.",
  "I'm sorry, but without the image provided",
  "Cannot determine the answer",
];
const STRIPPED = /[.()[\],:;!*#{}]/g;
// `İ` and `ı` are an "i" to Python's case-insensitive search, and not to JavaScript's.
const VERBOSE = new RegExp(`answer[${PY_SPACE}]+[iİı]s[${PY_SPACE}]+\\**([ABCD])`, "iu");
const VERBOSE_WHOLE_LETTER = new RegExp(`answer[${PY_SPACE}]+[iİı]s[${PY_SPACE}]+\\**([A-Z])(?![\\p{L}\\p{N}])`, "iu");
/** The letter must stand among this many last words (since 2025-08). */
const LAST_WORDS = 4;

/**
 * The letter a reply names.
 * @returns an option letter, `"Z"` for a refusal, or null
 * @example canInferOption("The answer is (B).", new Map([["A", "cat"], ["B", "dog"]]), DEFAULT_RULES) // "B"
 */
export function canInferOption(answer: string, choices: Choices, rules: ScoringRules): string | null {
  if (answer.includes(API_FAILURE)) return null;
  if (REFUSALS.some((refusal) => answer.includes(refusal))) return "Z";
  const words = pySplit(answer.replace(STRIPPED, " "));
  const firstSeen = new Map<string, number>();
  for (const [place, word] of words.entries()) if (!firstSeen.has(word)) firstSeen.set(word, place);
  const named = [...choices.keys()].filter((letter) => firstSeen.has(letter));
  if (named.length === 1) {
    const letter = named[0]!;
    if (rules.matcher === "2025-05" || firstSeen.get(letter)! >= words.length - LAST_WORDS) return letter;
  } else if (named.length === 0 && firstSeen.has("Z")) return "Z";
  if (rules.matcher !== "2026-06") return null;
  const pattern = rules.mode === "compat" ? VERBOSE : VERBOSE_WHOLE_LETTER;
  const letter = pattern.exec(answer)?.[1]?.toUpperCase();
  return letter !== undefined && choices.has(letter) ? letter : null;
}

/**
 * The one option whose text stands inside the reply.
 * @returns its letter, or null when none or several do, or the reply is longer than twice all option texts (since 2025-08)
 */
export function canInferText(answer: string, choices: Choices, rules: ScoringRules): string | null {
  const lower = answer.toLowerCase();
  if (rules.matcher !== "2025-05") {
    let total = 0;
    for (const text of choices.values()) total += codePointLength(text);
    if (codePointLength(lower) > 2 * total) return null;
  }
  const found = [...choices].filter(([, text]) => lower.includes(text.toLowerCase()));
  return found.length === 1 ? found[0]![0] : null;
}

/**
 * Letter rule, then text rule.
 * @param answer the reply, already a text
 * @example canInfer("a dog", new Map([["A", "cat"], ["B", "dog"]]), DEFAULT_RULES) // "B"
 */
export function canInfer(answer: string, choices: Choices, rules: ScoringRules): string | null {
  return canInferOption(answer, choices, rules) ?? canInferText(answer, choices, rules);
}
