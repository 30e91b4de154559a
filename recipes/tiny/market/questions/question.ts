/** @file What a question about a market picture is, and what its right answer is. */

import type { Language } from "../words.ts";

/** Question families as the project's tables number them. */
export type Family = 1 | 2 | 3 | 4 | 5 | 6 | 7;
export const families: readonly Family[] = [1, 2, 3, 4, 5, 6, 7];

/** What is sold at a place: the kind's id and the price in hundredths. */
export interface Offer {
  kind: string;
  cents: number;
}

/** The truth that a scorer compares with. Kinds are ids; prices are in hundredths. */
export type Gold =
  /** Compared member by member; a list gives its share of right entries. */
  | { kind: "json"; value: unknown }
  | { kind: "offer"; value: Offer }
  | { kind: "price"; value: number }
  | { kind: "kind"; value: string }
  | { kind: "place"; value: { row: number; column: number } }
  | { kind: "count"; value: number }
  | { kind: "yesno"; value: boolean }
  /** Kinds in this order. */
  | { kind: "list"; value: string[] }
  /** All rows of the board; null for an empty place. */
  | { kind: "cells"; value: (Offer | null)[][] }
  /** The answer must say that it can't be seen, or isn't there. */
  | { kind: "absent"; value: null }
  /** One word of every group of `value` must appear, and none of `not`. */
  | { kind: "free"; value: string[][]; not: string[] };

export interface Question {
  family: Family;
  /** What exactly is asked, for example "cheapest". */
  type: string;
  language: Language;
  question: string;
  /** The answer that training teaches. */
  answer: string;
  gold: Gold;
}

/** A question without its family and language, which the caller knows. */
export interface Draft extends Omit<Question, "family" | "language"> {
  /** The answer without its working: what was read, then the result. Only where there is working. */
  brief?: string;
}
