/** @file Question family 7: plain shapes, colours and digits, other things, and what can't be seen. */

import type { Board, OtherPicture, PlainPicture } from "../board.ts";
import { kinds } from "../kinds.ts";
import type { Random } from "../random.ts";
import { smallTalk } from "../small-talk.ts";
import { colours, shapes, things } from "../things.ts";
import type { Language } from "../words.ts";
import { nameOf } from "../words.ts";
import type { Draft } from "./question.ts";

/** A question outside the market's trade, about any picture. */
export function askInGeneral(board: Board, random: Random, language: Language): Draft {
  if (random.chance(0.1)) return talk(random, language);
  if (board.scene === "plain")
    return random.chance(0.85) ? askPlain(board, random, language) : askUnseen(board, random, language);
  if (board.scene === "other")
    return random.chance(0.75) ? askOther(board, random, language) : askUnseen(board, random, language);
  return random.chance(0.3) ? isItABoard(true, random, language) : askUnseen(board, random, language);
}

function talk(random: Random, language: Language): Draft {
  const { questions, answer } = random.pick(smallTalk[language]);
  return {
    type: "small-talk",
    question: random.pick(questions),
    answer,
    gold: { kind: "free", value: [[answer]], not: [] },
  };
}

/** Things that no picture tells: every answer says so. */
const unseen = {
  zh: [
    "老板叫什么名字?",
    "这家店在哪个城市?",
    "今天天气怎么样?",
    "这张照片是谁拍的?",
    "几点关门?",
    "店主的电话是多少?",
    "昨天的价格是多少?",
    "这些菜是哪里种的?",
    "可以用信用卡吗?",
    "明天会涨价吗?",
  ],
  en: [
    "What is the seller's name?",
    "Which city is this shop in?",
    "What is the weather like?",
    "Who took this photo?",
    "When do they close?",
    "What is the shop's phone number?",
    "What was the price yesterday?",
    "Where were these grown?",
    "Can I pay by card?",
    "Will it be dearer tomorrow?",
  ],
} as const;

const cannotSee = { zh: "图中看不到这个信息。", en: "I can't see that in the picture." };

function askUnseen(board: Board, random: Random, language: Language): Draft {
  const chinese = language === "zh";
  if (random.chance(0.5))
    return {
      type: "unseen",
      question: random.pick(unseen[language]),
      answer: cannotSee[language],
      gold: { kind: "absent", value: null },
    };
  const there = board.scene === "other" ? board.thing : null;
  const thing = random.pick(things.filter((one) => one.id !== there));
  const name = chinese ? thing.zh : thing.en;
  return {
    type: "unseen-thing",
    question: chinese
      ? random.pick([`图中有${name}吗?`, `图里有没有${name}?`, `你看到${name}了吗?`])
      : random.pick([`Is there ${name} in the picture?`, `Do you see ${name}?`, `Can you see ${name}?`]),
    answer: chinese
      ? `没有,图中没有${name}。`
      : `No, there is not ${name} in the picture.`.replace("not a ", "no ").replace("not an ", "no "),
    gold: { kind: "yesno", value: false },
  };
}

function isItABoard(truth: boolean, random: Random, language: Language): Draft {
  const question = random.pick(
    language === "zh"
      ? ["这是价目牌吗?", "这是一张菜价牌吗?", "图里是卖菜的价目牌吗?", "这张图是价格表吗?"]
      : ["Is this a price board?", "Is this a picture of a price board?", "Does the picture show a price board?"],
  );
  const answer =
    language === "zh"
      ? truth
        ? "是的,这是一张价目牌。"
        : "不是,这不是价目牌。"
      : truth
        ? "Yes, this is a price board."
        : "No, this is not a price board.";
  return { type: "is-board", question, answer, gold: { kind: "yesno", value: truth } };
}

function askOther(picture: OtherPicture, random: Random, language: Language): Draft {
  const chinese = language === "zh";
  const thing = things.find((one) => one.id === picture.thing);
  const type = random.weighted([
    ["what", thing ? 4 : 0],
    ["price", 3],
    ["is-board", 2],
    ["seen", thing ? 1 : 0],
  ] as const);
  const name = thing ? (chinese ? thing.zh : thing.en) : "";
  switch (type) {
    case "is-board":
      return isItABoard(false, random, language);
    case "price": {
      const kind = nameOf(random.pick(kinds), language);
      const question = random.pick(
        chinese
          ? [
              `${kind}多少钱?`,
              "第一行第一列是什么,多少钱?",
              "最便宜的是什么?",
              "一共有几种菜?",
              `买一斤${kind}要多少钱?`,
              "把价格都读出来",
            ]
          : [
              `How much is the ${kind}?`,
              "What is in row 1, column 1, and how much is it?",
              "What is the cheapest item?",
              "How many kinds of goods are there?",
              `What does the ${kind} cost?`,
              "Read all the prices.",
            ],
      );
      return {
        type: "not-a-board",
        question,
        answer: chinese ? "这不是价目牌,图中没有价格。" : "This is not a price board, so I can't see any prices.",
        gold: { kind: "absent", value: null },
      };
    }
    case "seen": {
      const question = chinese
        ? random.pick([`图中有${name}吗?`, `你看到${name}了吗?`])
        : random.pick([`Is there ${name} in the picture?`, `Do you see ${name}?`]);
      return {
        type,
        question,
        answer: chinese ? `有,图中有${name}。` : `Yes, there is ${name}.`,
        gold: { kind: "yesno", value: true },
      };
    }
    case "what": {
      const word = (one: { zh: string; en: string }) => (chinese ? one.zh : one.en.replace(/^an? /, ""));
      const question = random.pick(
        chinese
          ? ["这是什么?", "图中是什么?", "图片里是什么东西?", "你看到了什么?"]
          : ["What is this?", "What is in the picture?", "What do you see?", "What does the picture show?"],
      );
      return {
        type,
        question,
        answer: chinese ? `图中是**${name}**。` : `It is **${name}**.`,
        gold: { kind: "free", value: [[word(thing!)]], not: things.filter((one) => one !== thing).map(word) },
      };
    }
  }
}

function askPlain(picture: PlainPicture, random: Random, language: Language): Draft {
  const chinese = language === "zh";
  const word = (one: { zh: string; en: string }) => (chinese ? one.zh : one.en);
  const others = <T extends { zh: string; en: string }>(all: readonly T[], right: T) =>
    all.filter((one) => one !== right).map(word);
  const colourOf = (id: string) => colours.find((one) => one.id === id)!;
  const some = picture.shapes.length > 0;
  const type = random.weighted([
    ["colour", some ? 3 : 0],
    ["shape", some ? 3 : 0],
    ["count", some ? 2 : 0],
    ["background", 2],
    ["number", picture.number ? 5 : 0],
    ["is-board", 1],
  ] as const);
  switch (type) {
    case "is-board":
      return isItABoard(false, random, language);
    case "colour":
    case "shape": {
      const item = random.pick(picture.shapes);
      const [colour, shape] = [colourOf(item.colour), shapes.find((one) => one.id === item.shape)!];
      if (type === "colour") {
        const question = chinese
          ? random.pick([`${shape.zh}是什么颜色?`, `图中的${shape.zh}是什么颜色的?`])
          : random.pick([`What colour is the ${shape.en}?`, `Which colour has the ${shape.en}?`]);
        return {
          type,
          question,
          answer: chinese ? `${shape.zh}是**${colour.zh}**的。` : `The ${shape.en} is **${colour.en}**.`,
          gold: { kind: "free", value: [[word(colour)]], not: others(colours, colour) },
        };
      }
      const question = chinese
        ? random.pick([`${colour.zh}的是什么形状?`, `图中${colour.zh}的图形是什么?`])
        : random.pick([`What shape is ${colour.en}?`, `Which shape is the ${colour.en} one?`]);
      return {
        type,
        question,
        answer: chinese ? `${colour.zh}的是**${shape.zh}**。` : `The ${colour.en} one is a **${shape.en}**.`,
        gold: { kind: "free", value: [[word(shape)]], not: others(shapes, shape) },
      };
    }
    case "count": {
      const n = picture.shapes.length;
      const question = chinese
        ? random.pick(["图中有几个图形?", "数一数有几个形状"])
        : random.pick(["How many shapes are there?", "Count the shapes."]);
      return {
        type,
        question,
        answer: chinese
          ? `图中有**${n}**个图形。`
          : `There ${n === 1 ? "is" : "are"} **${n}** shape${n === 1 ? "" : "s"}.`,
        gold: { kind: "count", value: n },
      };
    }
    case "background": {
      const colour = colourOf(picture.background);
      const question = chinese
        ? random.pick(["背景是什么颜色?", "图片的底色是什么?"])
        : random.pick(["What colour is the background?", "Which colour is the ground?"]);
      return {
        type,
        question,
        answer: chinese ? `背景是**${colour.zh}**的。` : `The background is **${colour.en}**.`,
        gold: { kind: "free", value: [[word(colour)]], not: others(colours, colour) },
      };
    }
    case "number": {
      const { digits } = picture.number!;
      const question = chinese
        ? random.pick(["图中的数字是多少?", "图里写的是什么数字?", "读出图中的数字"])
        : random.pick(["What number is in the picture?", "Which number is written here?", "Read the number."]);
      return {
        type,
        question,
        answer: chinese ? `图中的数字是**${digits}**。` : `The number is **${digits}**.`,
        gold: { kind: "count", value: Number(digits) },
      };
    }
  }
}
