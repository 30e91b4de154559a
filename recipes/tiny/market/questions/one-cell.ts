/** @file Question family 1: what is at a row and column, and what does it cost. */

import type { FilledCell, PriceBoard } from "../board.ts";
import type { Random } from "../random.ts";
import { chineseNumber, englishOrdinal, type Language, placeName, unitPhrase } from "../words.ts";
import type { Draft } from "./question.ts";
import { stateCell } from "./statements.ts";

/** A question about one place of the board; sometimes an empty place or one beyond the edge. */
export function askOneCell(board: PriceBoard, random: Random, language: Language): Draft | undefined {
  const chinese = language === "zh";
  if (random.chance(0.06)) return askNowhere(board, random, language);
  const cell = random.pick(board.cells);
  const place =
    (random.chance(0.15) ? cornerName(board, cell, language) : undefined) ?? askedPlace(cell, random, language);
  const answered = placeName(cell, language);
  if (cell.kind === null) {
    return {
      type: "empty",
      question: random.pick(chinese ? offerZh(place, board, random) : offerEn(place)),
      answer: chinese ? `图片中${answered}是空的,没有东西。` : `There is nothing in ${answered}: it is empty.`,
      gold: { kind: "absent", value: null },
    };
  }
  const filled: FilledCell = { ...cell, kind: cell.kind };
  const type = random.weighted([
    ["offer", 6],
    ["kind", 2],
    ["price", 2],
  ] as const);
  const answer = stateCell(type, board, filled, language);
  switch (type) {
    case "offer":
      return {
        type,
        question: random.pick(chinese ? offerZh(place, board, random) : offerEn(place)),
        answer,
        gold: { kind: "offer", value: { kind: cell.kind, cents: cell.cents } },
      };
    case "kind":
      return {
        type,
        question: random.pick(chinese ? kindZh(place) : kindEn(place)),
        answer,
        gold: { kind: "kind", value: cell.kind },
      };
    case "price":
      return {
        type,
        question: random.pick(chinese ? priceZh(place, unitPhrase(board, language)) : priceEn(place)),
        answer,
        gold: { kind: "price", value: cell.cents },
      };
  }
}

function askNowhere(board: PriceBoard, random: Random, language: Language): Draft {
  const widest = Math.max(...board.cells.map((cell) => cell.column));
  const beyond = random.chance(0.5)
    ? { row: board.rows + random.integer(1, 2), column: random.integer(1, widest) }
    : { row: random.integer(1, board.rows), column: widest + random.integer(1, 2) };
  const place = askedPlace(beyond, random, language);
  return {
    type: "nowhere",
    question: random.pick(language === "zh" ? offerZh(place, board, random) : offerEn(place)),
    answer:
      language === "zh"
        ? `图片中没有${placeName(beyond, "zh")}。`
        : `There is no ${placeName(beyond, "en")} in the picture.`,
    gold: { kind: "absent", value: null },
  };
}

/** "the top left corner" and the like, where rows are equally long. */
function cornerName(
  board: PriceBoard,
  { row, column }: { row: number; column: number },
  language: Language,
): string | undefined {
  if (board.layout !== "grid" || board.rows < 2 || board.columns < 2) return undefined;
  const vertical = row === 1 ? 0 : row === board.rows ? 1 : undefined;
  const horizontal = column === 1 ? 0 : column === board.columns ? 1 : undefined;
  if (vertical === undefined || horizontal === undefined) return undefined;
  if (language === "zh") return `${["左", "右"][horizontal]}${["上", "下"][vertical]}角`;
  return `the ${["top", "bottom"][vertical]} ${["left", "right"][horizontal]} corner`;
}

/** A place as people name it. */
export function askedPlace(
  { row, column }: { row: number; column: number },
  random: Random,
  language: Language,
): string {
  if (language === "zh") {
    const [r, c] = [chineseNumber(row), chineseNumber(column)];
    return random.weighted([
      [`第${r}行第${c}列`, 5],
      [`第${row}行第${column}列`, 3],
      [`第${r}排第${c}个`, 2],
      [`${row}行${column}列`, 1],
      [`从上往下第${r}行、从左往右第${c}个`, 1],
      [`第${r}行的第${c}个位置`, 1],
    ]);
  }
  const [r, c] = [englishOrdinal(row), englishOrdinal(column)];
  return random.weighted([
    [`row ${row}, column ${column}`, 5],
    [`the ${r} row, ${c} column`, 3],
    [`row ${row} column ${column}`, 2],
    [`the ${r} row and the ${c} column`, 1],
    [`the ${c} place of the ${r} row`, 1],
    [`position (${row}, ${column})`, 0.5],
  ]);
}

const offerZh = (place: string, board: PriceBoard, random: Random) => {
  // Who asks by the usual unit is told the price by the board's.
  const unit = random.chance(0.15) ? "一斤" : unitPhrase(board, "zh");
  const what = random.pick(["什么蔬菜", "什么", "什么菜", "什么东西"]);
  return [
    `说说图中${place}是${what},买${unit}多少钱`,
    `图中${place}是${what},多少钱?`,
    `${place}卖的是${what}?价格是多少?`,
    `请告诉我${place}的名称和价格。`,
    `${place}是${what},${unit}怎么卖?`,
    `看一下${place},是${what},什么价?`,
    `${place}放的是${what},${unit}几块钱?`,
    `图片里${place}是${what}?买${unit}要花多少?`,
    `帮我看看${place}是${what},要多少钱`,
    `请说出${place}的商品和它的单价`,
    `${place}有${what},多少钱${unit}?`,
    `我想知道${place}是${what}以及价格`,
  ];
};
const offerEn = (place: string) => [
  `What is in ${place}, and how much is it?`,
  `What is sold in ${place} and at what price?`,
  `Tell me the item and its price in ${place}.`,
  `Which vegetable or fruit is in ${place}, and what does it cost?`,
  `Look at ${place}: what is it and how much does it cost?`,
  `Name the item in ${place} and its price.`,
  `What's in ${place}? And the price?`,
  `Please read ${place}: item and price.`,
  `In ${place}, what can I buy and for how much?`,
  `I'd like to know what is in ${place} and its price.`,
];
const kindZh = (place: string) => [
  `${place}是什么?`,
  `图中${place}是什么蔬菜?`,
  `${place}放的是什么?`,
  `${place}卖什么?`,
  `请问${place}是什么菜?`,
  `${place}的东西叫什么名字?`,
  `图片里${place}是什么水果或蔬菜?`,
  `告诉我${place}是什么`,
];
const kindEn = (place: string) => [
  `What is in ${place}?`,
  `What is sold in ${place}?`,
  `Which item is in ${place}?`,
  `Name the item in ${place}.`,
  `What do you see in ${place}?`,
  `What vegetable or fruit is in ${place}?`,
  `Tell me what's in ${place}.`,
  `${place[0]!.toUpperCase()}${place.slice(1)}: what is it?`,
];
const priceZh = (place: string, unit: string) => [
  `${place}多少钱?`,
  `${place}的价格是多少?`,
  `${place}买${unit}多少钱?`,
  `${place}的单价是多少?`,
  `${place}怎么卖?`,
  `${place}标价多少?`,
  `图中${place}要多少钱?`,
  `${place}什么价?`,
];
const priceEn = (place: string) => [
  `How much is the item in ${place}?`,
  `What is the price in ${place}?`,
  `What does ${place} cost?`,
  `Read the price in ${place}.`,
  `What price is marked in ${place}?`,
  `How much does the item in ${place} cost?`,
  `Price in ${place}?`,
  `Tell me the price in ${place}.`,
];
