/** @file Reads a description of a whole board back into rows of kinds and prices. */

import type { Offer } from "../questions/question.ts";
import { readKinds, readPrices } from "./read-values.ts";

/** What one item of a description says: an offer, an empty place, or nothing that can be read. */
export type ReadCell = Offer | null | "unreadable";

/** More items than any board has: a text that goes on and on is not worth reading further. */
const MOST_ITEMS = 200;

/** Rows by their number (1 is the first), each with its items in order. Text before the first row's name is left out. */
export function readCells(text: string): Map<number, ReadCell[]> {
  const rows = new Map<number, ReadCell[]>();
  const parts = text.split(/第\s*([\d一二三四五])\s*行\s*:?|\brow\s*(\d)\s*:?/);
  for (let i = 1; i + 2 < parts.length; i += 3) {
    const name = parts[i] ?? parts[i + 1]!;
    const row = /\d/.test(name) ? Number(name) : "零一二三四五".indexOf(name);
    const items = parts[i + 2]!.split(/[,、;。\n]/)
      .map((item) => item.replace(/[.\s]+$/, "").trim())
      .filter((item) => item !== "" && item !== "and")
      .slice(0, MOST_ITEMS);
    rows.set(row, [...(rows.get(row) ?? []), ...items.map(readItem)]);
  }
  return rows;
}

function readItem(item: string): ReadCell {
  if (/^(?:空的?|empty)$/.test(item)) return null;
  const [kinds, prices] = [[...new Set(readKinds(item))], readPrices(item)];
  return kinds.length === 1 && prices.length === 1 ? { kind: kinds[0]!, cents: prices[0]! } : "unreadable";
}
