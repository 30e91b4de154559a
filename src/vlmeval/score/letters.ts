/** @file The option letters of a row or a list. */
import type { Choices } from "./can-infer.ts";

/** A to Z: the columns that can hold options. */
export const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];

/**
 * The options of a row: the columns A to Z that are not missing.
 * @example rowChoices({ A: "cat", B: "dog", C: null }) // A: cat, B: dog
 */
export function rowChoices(cells: Readonly<Record<string, string | null | undefined>>): Choices {
  const choices = new Map<string, string>();
  for (const letter of LETTERS) {
    const text = cells[letter];
    if (text !== null && text !== undefined) choices.set(letter, text);
  }
  return choices;
}

/** The options of a list: its members as A, B, C, … */
export function listChoices(texts: readonly string[]): Choices {
  return new Map(texts.slice(0, LETTERS.length).map((text, place) => [LETTERS[place]!, text]));
}
