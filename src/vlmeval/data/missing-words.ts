/** @file The texts that pandas 2 takes for a missing value in a table of text. */

const MISSING = new Set([
  "",
  "#N/A",
  "#N/A N/A",
  "#NA",
  "-1.#IND",
  "-1.#QNAN",
  "-NaN",
  "-nan",
  "1.#IND",
  "1.#QNAN",
  "<NA>",
  "N/A",
  "NA",
  "NULL",
  "NaN",
  "None",
  "n/a",
  "nan",
  "null",
]);

/**
 * @example isMissing("None") // true: an option of that text vanishes from prompts
 */
export function isMissing(text: string): boolean {
  return MISSING.has(text);
}
