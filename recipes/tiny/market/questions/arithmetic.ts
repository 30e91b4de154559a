/** @file Question family 5: sums with prices, with a short written chain and the result. */

import { type FilledCell, filledCells, type PriceBoard } from "../board.ts";
import type { Random } from "../random.ts";
import { amount, chineseAmount, type Language, nameOf, readingOf, unitPhrase } from "../words.ts";
import { addition, multiplication, subtraction } from "./digit-steps.ts";
import type { Draft } from "./question.ts";
import { worked } from "./reason.ts";

const notes = [10, 20, 50, 100, 200];

/** A sum over one or two prices of the board. Prices with few decimals are preferred: the point is the reading. */
export function askToCalculate(board: PriceBoard, random: Random, language: Language): Draft | undefined {
  const chinese = language === "zh";
  const cells = filledCells(board);
  if (cells.length === 0) return undefined;
  const easy = cells.filter((cell) => cell.cents % 10 === 0);
  const pool = easy.length >= 2 ? easy : cells;
  const type = random.weighted([
    ["times", 4],
    ["sum", pool.length > 1 ? 3 : 0],
    ["change", 2],
    ["difference", pool.length > 1 ? 2 : 0],
  ] as const);
  const [a, b] = random.sample(pool, 2) as [FilledCell, FilledCell | undefined];
  const name = (cell: FilledCell) => nameOf(cell.kind, language);
  const read = (cell: FilledCell) => readingOf(cell, language);
  const measure = unitPhrase(board, "zh").slice(1);
  const english = { 斤: "jin", 公斤: "kg", kg: "kg", lb: "lb" }[board.unit];
  /** @param sums each written out, its result last */
  const done = (question: string, readings: string[], sums: string[][], cents: number): Draft => {
    const result = `${board.currency}${amount(cents)}`;
    return {
      type,
      question,
      ...worked([...readings, ...sums.flat()], [...readings, ...sums.map((sum) => sum.at(-1)!)], result, language),
      gold: { kind: "price", value: cents },
    };
  };
  switch (type) {
    case "times": {
      const n = random.weighted([
        [2, 4],
        [3, 4],
        [4, 2],
        [5, 2],
        [10, 1],
      ] as const);
      const cents = n * a.cents;
      const question = chinese
        ? random.pick([
            `买${n}${measure}${name(a)}多少钱?`,
            `${n}${measure}${name(a)}一共要多少钱?`,
            `我要${n}${measure}${name(a)},要付多少?`,
            `${name(a)}来${n}${measure},多少钱?`,
          ])
        : random.pick([
            `How much are ${n} ${english} of ${name(a)}?`,
            `What do ${n} ${english} of ${name(a)} cost?`,
            `I want ${n} ${english} of ${name(a)}. How much is that?`,
          ]);
      return done(question, [read(a)], [multiplication(a.cents, n)], cents);
    }
    case "sum": {
      const other = b!;
      const cents = a.cents + other.cents;
      const question = chinese
        ? random.pick([
            `${name(a)}和${name(other)}各买一${measure},一共多少钱?`,
            `买一${measure}${name(a)}和一${measure}${name(other)}要多少钱?`,
            `${name(a)}加${name(other)}各一${measure}共多少?`,
          ])
        : random.pick([
            `How much are one ${english} of ${name(a)} and one ${english} of ${name(other)} together?`,
            `What is the total for ${name(a)} and ${name(other)}, one ${english} each?`,
            `${name(a)} plus ${name(other)}, one ${english} each: how much?`,
          ]);
      return done(question, [read(a), read(other)], [addition(a.cents, other.cents)], cents);
    }
    case "change": {
      const n = random.integer(1, 3);
      const cost = n * a.cents;
      const note = notes.find((value) => value * 100 > cost);
      if (!note) return undefined;
      const cents = note * 100 - cost;
      const question = chinese
        ? random.pick([
            `买${n}${measure}${name(a)},付${note}元,找回多少?`,
            `我给${note}元买${n}${measure}${name(a)},应找多少钱?`,
            `用${note}元买${n}${measure}${name(a)}还剩多少?`,
          ])
        : random.pick([
            `I pay ${board.currency}${note} for ${n} ${english} of ${name(a)}. How much change do I get?`,
            `What is the change from ${board.currency}${note} for ${n} ${english} of ${name(a)}?`,
          ]);
      const sums = [...(n > 1 ? [multiplication(a.cents, n)] : []), subtraction(note * 100, cost)];
      return done(
        chinese ? question.replaceAll(`${note}元`, chineseAmount(board, String(note))) : question,
        [read(a)],
        sums,
        cents,
      );
    }
    case "difference": {
      const [dear, cheap] = a.cents >= b!.cents ? [a, b!] : [b!, a];
      if (dear.cents === cheap.cents) return undefined;
      const cents = dear.cents - cheap.cents;
      const question = chinese
        ? random.pick([
            `${name(dear)}比${name(cheap)}贵多少?`,
            `${name(cheap)}比${name(dear)}便宜多少钱?`,
            `${name(dear)}和${name(cheap)}的单价差多少?`,
          ])
        : random.pick([
            `How much more does ${name(dear)} cost than ${name(cheap)}?`,
            `What is the price difference between ${name(dear)} and ${name(cheap)}?`,
            `By how much is ${name(cheap)} cheaper than ${name(dear)}?`,
          ]);
      return done(question, [read(dear), read(cheap)], [subtraction(dear.cents, cheap.cents)], cents);
    }
  }
}
