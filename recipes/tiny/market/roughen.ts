/** @file Writes a question as people type it in a hurry. */

import type { Random } from "./random.ts";
import type { Language } from "./words.ts";

/** The same question with other punctuation, without any at its end, or in lower case. */
export function roughen(question: string, random: Random, language: Language): string {
  let text = question;
  if (random.chance(0.6)) text = text.replace(/[?.。?]$/, "");
  if (language === "zh" && random.chance(0.5))
    text = text.replaceAll(",", random.pick([",", " "])).replaceAll("?", "?");
  if (language === "en" && random.chance(0.5)) text = text.toLowerCase();
  return text;
}
