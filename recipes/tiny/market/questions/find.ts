/** @file Question family 2: where something is, what it costs, and whether it is there at all. */

import { filledCells, type PriceBoard } from "../board.ts";
import { type Kind, kindOf, kinds } from "../kinds.ts";
import type { Random } from "../random.ts";
import { type Language, nameOf, unitPhrase } from "../words.ts";
import type { Draft } from "./question.ts";
import { stateCell } from "./statements.ts";

/** A question about a kind by name; about a third ask for something that isn't there. */
export function askToFind(board: PriceBoard, random: Random, language: Language): Draft | undefined {
  const chinese = language === "zh";
  const type = random.weighted([
    ["where", 3],
    ["price-of", 4],
    ["any", 3],
  ] as const);
  const cells = filledCells(board);
  if (cells.length === 0) return undefined;
  if (random.chance(type === "any" ? 0.5 : 0.12)) {
    const there = new Set(cells.map((cell) => cell.kind));
    const missing = random.pick(kinds.filter((kind) => !there.has(kind.id)));
    const name = nameOf(missing, language);
    return {
      type: `${type}-absent`,
      question: ask(type, askedName(missing, random, language), board, random, language),
      answer: chinese ? `没有,图中没有${name}。` : `No, there is no ${name} in the picture.`,
      gold: type === "any" ? { kind: "yesno", value: false } : { kind: "absent", value: null },
    };
  }
  const cell = random.pick(cells);
  const question = ask(type, askedName(kindOf(cell.kind), random, language), board, random, language);
  const answer = stateCell(type, board, cell, language);
  switch (type) {
    case "where":
      return { type, question, answer, gold: { kind: "place", value: { row: cell.row, column: cell.column } } };
    case "price-of":
      return { type, question, answer, gold: { kind: "price", value: cell.cents } };
    case "any":
      return { type, question, answer, gold: { kind: "yesno", value: true } };
  }
}

/** Mostly the usual name, sometimes another one. */
export function askedName(kind: Kind, random: Random, language: Language): string {
  const names = kind[language];
  return random.chance(0.8) ? names[0] : random.pick(names);
}

function ask(
  type: "where" | "price-of" | "any",
  name: string,
  board: PriceBoard,
  random: Random,
  language: Language,
): string {
  const unit = unitPhrase(board, language);
  const forms =
    language === "zh"
      ? {
          where: [
            `${name}在哪里?`,
            `${name}在第几行第几列?`,
            `图中${name}在什么位置?`,
            `请找出${name}的位置`,
            `${name}摆在哪儿?`,
            `帮我找一下${name}`,
            `哪一行哪一列是${name}?`,
            `${name}在哪个位置?`,
          ],
          "price-of": [
            `${name}多少钱?`,
            `${name}多少钱${unit}?`,
            `买${unit}${name}多少钱?`,
            `${name}的价格是多少?`,
            `${name}怎么卖?`,
            `${name}什么价?`,
            `图中${name}的单价是多少?`,
            `请问${name}${unit}几块钱?`,
            `我想买${name},什么价格?`,
          ],
          any: [
            `图中有${name}吗?`,
            `有没有${name}?`,
            `这里卖${name}吗?`,
            `能买到${name}吗?`,
            `图片里有${name}吗?`,
            `请问有${name}卖吗?`,
            `有${name}吗?`,
            `我想买${name},有吗?`,
          ],
        }
      : {
          where: [
            `Where is the ${name}?`,
            `In which row and column is the ${name}?`,
            `Find the ${name}.`,
            `Where can I find the ${name}?`,
            `What is the position of the ${name}?`,
            `Which place holds the ${name}?`,
            `Locate the ${name}.`,
            `Where's the ${name}?`,
          ],
          "price-of": [
            `How much is the ${name}?`,
            `What does the ${name} cost?`,
            `What is the price of the ${name}?`,
            `How much does the ${name} cost?`,
            `I want to buy ${name}. What is the price?`,
            `Price of ${name}?`,
            `Tell me the price of the ${name}.`,
            `How much ${unit} is the ${name}?`,
          ],
          any: [
            `Is there any ${name}?`,
            `Do they sell ${name}?`,
            `Is there ${name} in the picture?`,
            `Can I buy ${name} here?`,
            `Do you see any ${name}?`,
            `Is ${name} on the board?`,
            `Have they got ${name}?`,
            `Any ${name}?`,
          ],
        };
  return random.pick(forms[type]);
}
