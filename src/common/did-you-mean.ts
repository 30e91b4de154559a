/** @file The name that was probably meant where an unknown one was given. */
import { distance } from "fastest-levenshtein";

/** Case and punctuation say nothing: max_new_tokens, maxNewTokens and max-new-tokens are one name. */
const plain = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

/**
 * The known name nearest to an unknown one.
 * @param aliases names of other libraries, in any spelling, and what they are called here
 * @returns undefined where none is near: more than a third of the letters would have to change
 * @example didYouMean("max_new_token", ["maxNewTokens", "seed"]) // "maxNewTokens"
 */
export function didYouMean(
  unknown: string,
  known: readonly string[],
  aliases: Readonly<Record<string, string>> = {},
): string | undefined {
  const word = plain(unknown);
  const alias = Object.entries(aliases).find(([name]) => plain(name) === word)?.[1];
  if (alias !== undefined) return alias;
  const [nearest] = known
    .map((name) => ({ name, changes: distance(word, plain(name)) }))
    .filter(({ name, changes }) => changes <= Math.max(word.length, plain(name).length) / 3)
    .sort((a, b) => a.changes - b.changes);
  return nearest?.name;
}

/**
 * Refuses keys that nobody reads, so that a misspelt option does not pass in silence. Undefined is absent.
 * @param what how the message calls a key: "option", "key of the recipe"
 * @throws TypeError naming the key and the one that was probably meant
 * @example refuseUnknown("option", { max_new_tokens: 5 }, ["maxNewTokens"])
 */
export function refuseUnknown(
  what: string,
  given: object,
  known: readonly string[],
  aliases?: Readonly<Record<string, string>>,
): void {
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || known.includes(key)) continue;
    const meant = didYouMean(key, known, aliases);
    const advice = meant === undefined ? `Expected one of ${known.join(", ")}.` : `Did you mean "${meant}"?`;
    throw new TypeError(`There is no ${what} ${JSON.stringify(key)}. ${advice}`);
  }
}
