/** @file Scores an answer to a market question by exact match with the truth, after reading it leniently. */

import type { Score } from "flashvl/tasks";
import type { Gold, Offer } from "../questions/question.ts";
import { boldParts, finalPart, normalise } from "./final-part.ts";
import { jsonShare, readJson } from "./json-share.ts";
import { readCells } from "./read-cells.ts";
import { isDenial, readCounts, readKinds, readPlaces, readPrices, readYesNo } from "./read-values.ts";

/**
 * Scores an answer. Two different values where one is asked for are wrong, so naming everything never pays; thinking is
 * not read. `value` is the part that is right for an offer (kind, price) and for a whole board (cells), else 0 or 1.
 * @example scoreAnswer({ kind: "price", value: 1680 }, "买一斤的价格是**¥16.8**。").correct // true
 */
export function scoreAnswer(gold: Gold, answer: string): Score {
  const text = finalPart(answer);
  switch (gold.kind) {
    case "offer": {
      const kind = same(only(readBold(text, readKinds)), gold.value.kind);
      const price = same(only(readBold(text, readPrices)), gold.value.cents);
      return toScore(
        (Number(kind) + Number(price)) / 2,
        [readBold(text, readKinds), readBold(text, readPrices)],
        gold.value,
      );
    }
    case "price":
      return exact(readBold(text, readPrices), gold.value);
    case "kind":
      return exact(readBold(text, readKinds), gold.value);
    case "count":
      return exact(readBold(text, readCounts), gold.value);
    case "place":
      return exact(readBold(text, readPlaces), `${gold.value.row},${gold.value.column}`);
    case "yesno": {
      const said = readYesNo(text);
      return toScore(Number(said === gold.value), said, gold.value);
    }
    case "list": {
      const said = readKinds(text);
      return toScore(
        Number(said.length === gold.value.length && said.every((kind, i) => kind === gold.value[i])),
        said,
        gold.value,
      );
    }
    case "absent": {
      const denied = isDenial(text) && !/[¥$]\s*\d|\d\s*元/.test(text);
      return toScore(Number(denied), text.slice(0, 80), "that it is not there or can't be seen");
    }
    case "free": {
      const has = (word: string) => contains(text, normalise(word));
      // "猫" is no mistake inside of "熊猫".
      const rest = gold.value.flat().reduce((left, word) => left.replaceAll(normalise(word), " "), text);
      const right =
        gold.value.every((group) => group.some(has)) && !gold.not.some((word) => contains(rest, normalise(word)));
      return toScore(Number(right), text.slice(0, 80), gold.value);
    }
    case "cells":
      return scoreCells(gold.value, text);
    case "json": {
      const said = readJson(answer);
      return toScore(jsonShare(gold.value, said), said, gold.value);
    }
  }
}

/** Reads the bold parts if they hold anything, else the whole text. */
function readBold<T>(text: string, read: (text: string) => T[]): T[] {
  const bold = boldParts(text).flatMap(read);
  return bold.length > 0 ? [...new Set(bold)] : [...new Set(read(text))];
}

const only = <T>(values: T[]): T | undefined => (values.length === 1 ? values[0] : undefined);
const same = <T>(value: T | undefined, gold: T) => value === gold;

function exact<T>(values: T[], gold: T): Score {
  return toScore(Number(same(only(values), gold)), values, gold);
}

function toScore(value: number, read: unknown, expected: unknown): Score {
  return {
    correct: value === 1,
    value,
    detail: `read ${JSON.stringify(read) ?? "nothing"}, expected ${JSON.stringify(expected)}`,
  };
}

function contains(text: string, word: string): boolean {
  if (!/^[a-z]/.test(word))
    return /^\d+$/.test(word) ? new RegExp(`(?<![\\d.])${word}(?![\\d.]*\\d)`).test(text) : text.includes(word);
  const at = text.indexOf(word);
  if (at < 0) return false;
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![a-z])${escaped}(?![a-z])`).test(text);
}

/** The part of the board's cells that are read right; cells that the board does not have count against it. */
function scoreCells(gold: (Offer | null)[][], text: string): Score {
  const said = readCells(text);
  const total = gold.flat().length;
  let right = 0;
  for (const [r, row] of gold.entries()) {
    for (const [c, cell] of row.entries()) {
      const read = said.get(r + 1)?.[c];
      if (read === undefined || read === "unreadable") continue;
      if (cell === null || read === null ? cell === read : read.kind === cell.kind && read.cents === cell.cents)
        right++;
    }
  }
  const count = [...said.values()].reduce((sum, row) => sum + row.length, 0);
  return { ...toScore(right / Math.max(total, count), `${right} of ${count} cells right`, `${total} cells`) };
}
