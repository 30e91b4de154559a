/** @file Compares an answer in JSON with the truth: a list cell by cell, an object as a whole. */

import { normalise } from "./final-part.ts";
import { readKinds } from "./read-values.ts";

/** The value that an answer holds, in a code block or not; undefined where it is no JSON. */
export function readJson(answer: string): unknown {
  const text = answer.trim().replace(/^```(?:json)?\s*([\s\S]*?)\s*```$/, "$1");
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Two different prices are at least this far apart. */
const PRICE_STEP = 0.005;

/** Texts are equal where they name the same kind, or are the same but for case and width. */
function sameText(a: string, b: string): boolean {
  const [x, y] = [normalise(a), normalise(b)];
  const [p, q] = [readKinds(x), readKinds(y)];
  return x === y || (p.length === 1 && q.length === 1 && p[0] === q[0] && !/\d/.test(x + y));
}

function equal(gold: unknown, said: unknown): boolean {
  if (typeof gold === "number") return typeof said === "number" && Math.abs(gold - said) < PRICE_STEP;
  if (typeof gold === "string") return typeof said === "string" && sameText(gold, said);
  if (Array.isArray(gold))
    return Array.isArray(said) && gold.length === said.length && gold.every((item, i) => equal(item, said[i]));
  if (typeof gold === "object" && gold !== null) {
    if (typeof said !== "object" || said === null || Array.isArray(said)) return false;
    const [wanted, given] = [Object.entries(gold), said as Record<string, unknown>];
    return wanted.length === Object.keys(given).length && wanted.every(([key, value]) => equal(value, given[key]));
  }
  return gold === said;
}

/** The share of a list's entries that are right at their place, also of a list that is an object's only member; 0 or 1 of anything else. */
export function jsonShare(gold: unknown, said: unknown): number {
  if (Array.isArray(gold)) {
    if (!Array.isArray(said)) return 0;
    const right = gold.filter((item, i) => equal(item, said[i])).length;
    return right / Math.max(gold.length, said.length);
  }
  if (typeof gold === "object" && gold !== null && typeof said === "object" && said !== null) {
    const [key, ...others] = Object.keys(gold);
    const list = (gold as Record<string, unknown>)[key!];
    if (others.length === 0 && Array.isArray(list)) return jsonShare(list, (said as Record<string, unknown>)[key!]);
  }
  return Number(equal(gold, said));
}
