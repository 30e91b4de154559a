/** @file Whether a reply says yes or no (VLMEvalKit `utils/yorn.py`). */
import { pySplit } from "../python/text.ts";
import { processPunctuation } from "./punctuation.ts";
import type { ScoringMode } from "./rules.ts";

export type YesNo = "Yes" | "No" | "Unknown";

/**
 * @returns `"Unknown"` when the reply has neither word, or both
 * @example extractYesNo("No, there is not", "compat") // "No"
 */
export function extractYesNo(reply: string, mode: ScoringMode): YesNo {
  const words = new Set(pySplit(processPunctuation(reply.toLowerCase(), mode)));
  if (words.has("yes") === words.has("no")) return "Unknown";
  return words.has("yes") ? "Yes" : "No";
}
