/** @file What people ask beside the matter: what the page suggests, what no picture tells, nonsense and nothing at all. */

import { type Board, filledCells, type PriceBoard } from "../board.ts";
import { describe } from "../describe.ts";
import type { Draft } from "../questions/question.ts";
import type { Random } from "../random.ts";
import { things } from "../things.ts";
import { type Language, nameOf, placeName, priceOf } from "../words.ts";
import {
  abilities,
  abilityAnswer,
  nonsense,
  notUnderstood,
  notUnderstoodAtAll,
  readText,
  unanswerable,
  unusual,
  whatIsIt,
} from "./small-words.ts";

const free = (...words: string[][]): Draft["gold"] => ({ kind: "free", value: words, not: [] });

/** What no picture tells, said in a full sentence with what it does tell. */
export function askUnanswerable(board: Board, random: Random, language: Language): Draft {
  const [question, about] = random.pick(unanswerable[language]);
  const isBoard = board.scene === "board";
  const answer =
    language === "zh"
      ? `图中看不到${about}${isBoard ? ",只能看到卖什么、多少钱" : ""}。`
      : `I can't see ${about} in the picture${isBoard ? ", only what is sold and its price" : ""}.`;
  return { type: "unanswerable", question, answer, gold: { kind: "absent", value: null } };
}

export function askNonsense(board: Board, random: Random, language: Language): Draft {
  const answer = (board.scene === "board" ? notUnderstood : notUnderstoodAtAll)[language];
  return {
    type: "nonsense",
    question: random.pick(nonsense[language]),
    answer,
    gold: free([language === "zh" ? "没听懂" : "did not understand"]),
  };
}

export const askAbility = (random: Random, language: Language): Draft => ({
  type: "ability",
  question: random.pick(abilities[language]),
  answer: abilityAnswer[language],
  gold: free([language === "zh" ? "菜价牌" : "price boards"]),
});

/** What is written: a board's title and prices in reading order, a plain picture's number, or nothing. */
export function askText(board: Board, random: Random, language: Language): Draft {
  const question = random.pick(readText[language]);
  const type = "read-text";
  const chinese = language === "zh";
  if (board.scene === "board") {
    const prices = filledCells(board).map((cell) => priceOf(board, cell));
    const list = prices.join(chinese ? "、" : ", ");
    const title = board.title ? (chinese ? `标题“${board.title}”,` : `the title "${board.title}" and `) : "";
    const answer = chinese ? `图中写着${title}价格${list}。` : `It shows ${title}the prices ${list}.`;
    return { type, question, answer, gold: free(...prices.map((price) => [price])) };
  }
  if (board.scene === "plain" && board.number) {
    const { digits } = board.number;
    const answer = chinese ? `图中写着数字**${digits}**。` : `It shows the number **${digits}**.`;
    return { type, question, answer, gold: free([digits]) };
  }
  const answer = chinese ? "图中没有我能读的文字。" : "There is no text in the picture that I can read.";
  return { type, question, answer, gold: { kind: "absent", value: null } };
}

/** What stands out: an empty place, else the dearest where it is far from the rest, else nothing; of other pictures that they are no board. */
export function askUnusual(board: Board, random: Random, language: Language): Draft {
  const question = random.pick(unusual[language]);
  const type = "unusual";
  const chinese = language === "zh";
  if (board.scene !== "board") {
    const seen = describe(board, language);
    return {
      type,
      question,
      answer: `${seen}${chinese ? "。" : "."}`,
      gold: free([chinese ? "不是价目牌" : "not a price board"]),
    };
  }
  const empty = board.cells.find((cell) => cell.kind === null);
  if (empty) {
    const place = placeName(empty, language);
    const answer = chinese ? `${place}是空的。` : `There is nothing in ${place}: it is empty.`;
    return { type, question, answer, gold: { kind: "absent", value: null } };
  }
  const sorted = filledCells(board).toSorted((a, b) => b.cents - a.cents);
  const [first, second] = sorted;
  if (first && second && first.cents >= 3 * second.cents) {
    const [name, price] = [nameOf(first.kind, language), priceOf(board, first)];
    const answer = chinese ? `${name}最贵,要**${price}**。` : `The ${name} costs far more than the rest: **${price}**.`;
    return { type, question, answer, gold: { kind: "kind", value: first.kind } };
  }
  const answer = chinese ? "没有特别的,这是一张普通的价目牌。" : "Nothing unusual: it is an ordinary price board.";
  return { type, question, answer, gold: free([chinese ? "普通" : "ordinary"]) };
}

/** Goods that are named when the whole board is summed up. */
const NAMED = 3;

/** What the picture is as a whole, in one sentence. */
export function askWhat(board: Board, random: Random, language: Language): Draft {
  if (board.scene !== "board")
    return { ...askUnusual(board, random, language), question: random.pick(whatIsIt[language]), type: "what" };
  const chinese = language === "zh";
  const names = filledCells(board).map((cell) => nameOf(cell.kind, language));
  const named = names.slice(0, NAMED).join(chinese ? "、" : ", ");
  const more = names.length > NAMED ? (chinese ? "等" : " and more") : "";
  const answer = chinese ? `这是一张价目牌,卖${named}${more}。` : `This is a price board: it sells ${named}${more}.`;
  return {
    type: "what",
    question: random.pick(whatIsIt[language]),
    answer,
    gold: free([chinese ? "价目牌" : "price board"]),
  };
}

/** Whether something is there that is not, or is: goods and other things, in loose words. */
export function askForeign(board: PriceBoard, random: Random, language: Language): Draft {
  const thing = random.pick(things);
  const chinese = language === "zh";
  const name = chinese ? thing.zh : thing.en.replace(/^an? /, "");
  const question = chinese
    ? random.pick([`${name}多少钱?`, `有${name}卖吗`, `${name}在哪一格?`])
    : random.pick([`How much is the ${name}?`, `Do they sell a ${name}`, `Which place has the ${name}?`]);
  const some = nameOf(random.pick(filledCells(board)).kind, language);
  const answer = chinese
    ? `没有,图中没有${name}。图中有${some}等。`
    : `No, there is no ${name} in the picture. There is ${some} and more.`;
  return { type: "foreign", question, answer, gold: { kind: "absent", value: null } };
}
