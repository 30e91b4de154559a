/** @file Question family 3: counting kinds, rows, columns, and what is under or over a price. */

import { type FilledCell, filledCells, type PriceBoard } from "../board.ts";
import { kindOf } from "../kinds.ts";
import type { Random } from "../random.ts";
import { amount, chineseAmount, type Language, nameOf, readingOf } from "../words.ts";
import type { Draft } from "./question.ts";
import { reason, worked } from "./reason.ts";

/**
 * A question whose answer is a number of things. The chain goes through the board in reading order, so that no step asks for
 * more than the ones before it and a look at the picture: what all counts is numbered, and where only some things count
 * each gets a plus or a minus.
 */
export function askToCount(board: PriceBoard, random: Random, language: Language): Draft | undefined {
  const chinese = language === "zh";
  const cells = filledCells(board);
  if (cells.length === 0) return undefined;
  const type = random.weighted([
    ["kinds", 2],
    ["rows", 1],
    ["in-row", 2],
    ["under", 3],
    ["over", 3],
    ["group", 2],
  ] as const);
  const name = (cell: FilledCell) => nameOf(cell.kind, language);
  const read = (cell: FilledCell) => readingOf(cell, language);
  const numbered = (seen: FilledCell[]) => seen.map((cell, i) => `${name(cell)}:${i + 1}`);
  const marked = (say: (cell: FilledCell) => string, counts: (cell: FilledCell) => boolean) =>
    cells.map((cell) => `${say(cell)}${counts(cell) ? "+" : "-"}`);
  const count = (value: number): Draft["gold"] => ({ kind: "count", value });
  switch (type) {
    case "kinds": {
      const n = cells.length;
      const question = random.pick(
        chinese
          ? [
              "图中一共有几种蔬菜水果?",
              "图里有多少种商品?",
              "一共卖几种东西?",
              "数一数有几种菜",
              "图中有几样东西?",
              "这里有多少种蔬菜和水果?",
            ]
          : [
              "How many kinds of goods are there?",
              "How many items are on the board?",
              "Count the different items.",
              "How many vegetables and fruits are shown in total?",
              "How many things are for sale?",
            ],
      );
      return {
        type,
        question,
        ...worked(numbered(cells), cells.map(name), String(n), language),
        gold: count(n),
      };
    }
    case "rows": {
      const columns = board.layout === "grid" && random.chance(0.5);
      const n = columns ? board.columns : board.rows;
      const question = chinese
        ? random.pick([
            `图中有几${columns ? "列" : "行"}?`,
            `一共多少${columns ? "列" : "行"}?`,
            `价目牌有几${columns ? "列" : "行"}?`,
            `数一数有几${columns ? "列" : "行"}`,
          ])
        : random.pick([
            `How many ${columns ? "columns" : "rows"} are there?`,
            `How many ${columns ? "columns" : "rows"} does the board have?`,
            `Count the ${columns ? "columns" : "rows"}.`,
          ]);
      // Saying the numbers one by one is how one counts what has no name.
      const answer = reason(
        Array.from({ length: n }, (_, i) => String(i + 1)),
        String(n),
        language,
      );
      return { type: columns ? "columns" : "rows", question, answer, gold: count(n) };
    }
    case "in-row": {
      const row = random.integer(1, board.rows);
      const chosen = cells.filter((cell) => cell.row === row);
      const question = chinese
        ? random.pick([`第${row}行有几种?`, `第${row}行有多少种东西?`, `第${row}行卖几样?`, `数一数第${row}行有几种`])
        : random.pick([
            `How many items are in row ${row}?`,
            `How many kinds are there in row ${row}?`,
            `Count the items in row ${row}.`,
          ]);
      return {
        type,
        question,
        ...worked(numbered(chosen), chosen.map(name), String(chosen.length), language),
        gold: count(chosen.length),
      };
    }
    case "under":
    case "over": {
      const limit = pickLimit(
        cells.map((cell) => cell.cents),
        random,
      );
      const counts = (cell: FilledCell) => (type === "under" ? cell.cents < limit : cell.cents > limit);
      const n = cells.filter(counts).length;
      // The limit stands beside each price, and what is larger is said before what that means.
      const compared = (cell: FilledCell) => `${read(cell)}:${amount(limit)}${cell.cents < limit ? "<" : ">"}`;
      const money = chinese ? chineseAmount(board, amount(limit)) : `${board.currency}${amount(limit)}`;
      const [low, high] = chinese ? ["低于", "高于"] : ["under", "over"];
      const word = type === "under" ? low : high;
      const cheap = type === "under" ? "便宜" : "贵";
      const question = chinese
        ? random.pick([
            `价格${word}${money}的有几种?`,
            `有几种${word}${money}?`,
            `比${money}${cheap}的有多少种?`,
            `有多少种的价格${word}${money}?`,
            `单价${word}${money}的有几样?`,
          ])
        : random.pick([
            `How many items cost ${word === "under" ? "less" : "more"} than ${money}?`,
            `How many are ${word} ${money}?`,
            `Count the items ${word} ${money}.`,
            `How many prices are ${word} ${money}?`,
          ]);
      return {
        type,
        question,
        ...worked(marked(compared, counts), cells.map(read), String(n), language),
        gold: count(n),
      };
    }
    case "group": {
      const group = random.pick(["vegetable", "fruit"] as const);
      const counts = (cell: FilledCell) => kindOf(cell.kind).group === group;
      const n = cells.filter(counts).length;
      const question = chinese
        ? random.pick([
            `图中有几种${group === "fruit" ? "水果" : "蔬菜"}?`,
            `${group === "fruit" ? "水果" : "蔬菜"}有多少种?`,
            `数一数有几种${group === "fruit" ? "水果" : "蔬菜"}`,
          ])
        : random.pick([
            `How many kinds of ${group}s are there?`,
            `How many ${group}s do they sell?`,
            `Count the ${group}s.`,
          ]);
      return {
        type,
        question,
        ...worked(marked(name, counts), cells.map(name), String(n), language),
        gold: count(n),
      };
    }
  }
}

/** A round limit that splits the prices, and equals none of them. */
function pickLimit(prices: number[], random: Random): number {
  for (let i = 0; i < 20; i++) {
    const near = random.pick(prices) + random.integer(-300, 300);
    const limit = Math.max(100, near > 2000 ? Math.round(near / 500) * 500 : Math.round(near / 100) * 100);
    if (!prices.includes(limit)) return limit;
  }
  return 100_00;
}
