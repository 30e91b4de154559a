/** @file Shorter, longer and looser ways to ask what the families ask. */

import type { CellForm } from "../questions/statements.ts";
import type { Random } from "../random.ts";
import type { Language } from "../words.ts";

/** Forms in which "@" stands for the place or the name. */
const forms: Readonly<Record<Language, Readonly<Record<CellForm, readonly string[]>>>> = {
  en: {
    offer: [
      "whats in @ and how much",
      "@, item + price",
      "could you read me @? name and price",
      "what have they got in @ and what do they want for it",
      "Check @ for me: what is sold there, and for what price?",
      "Give me product and price of @.",
      "For @: product? price?",
      "I need the name and the cost of what is in @",
      "@?",
      "what about @",
      "Tell me about @.",
      "What can I get in @ and how much money do I need?",
      "Item and price, @",
    ],
    kind: [
      "whats in @",
      "what food is in @",
      "Identify the item in @.",
      "What product sits in @?",
      "What kind of fruit or vegetable do I see in @?",
      "which goods are in @",
      "What do they sell in @?",
      "what is this in @",
      "the thing in @ is what?",
    ],
    price: [
      "cost of @",
      "how much do they want in @",
      "What does the tag in @ say?",
      "@ price",
      "What would I pay for what is in @?",
      "whats the price tag of @",
      "how expensive is the item in @",
      "price at @ please",
    ],
    where: [
      "which spot is the @ in",
      "position of the @",
      "Point me to the @.",
      "I can't find the @, where is it?",
      "row and column of @",
      "what row and column is @ in",
      "where did they put the @",
      "Show me where the @ is.",
    ],
    "price-of": [
      "how much for @",
      "@ price pls",
      "@, how much?",
      "What are they charging for @?",
      "cost of the @",
      "What is @ going for?",
      "Tell me how expensive the @ is.",
      "whats the price of @",
      "How much would I pay for @?",
      "I'd like some @, what does it cost?",
      "@ costs how much",
    ],
    any: [
      "got @?",
      "is @ available",
      "Do you see @ anywhere?",
      "is anyone selling @",
      "Are there @ here?",
      "Is there @ among these?",
      "does the board list @",
      "can i get @",
    ],
  },
  zh: {
    offer: [
      "@啥东西,多少钱",
      "@,名称和价格",
      "念一下@的名字和价钱",
      "@卖啥,啥价",
      "@?",
      "看看@,是啥?贵不贵?",
      "给我@的品名和单价",
      "@那格写的是什么,几块钱",
      "介绍一下@",
      "@有啥卖,怎么卖",
      "@商品和价格分别是什么",
    ],
    kind: ["@是啥", "@啥菜", "@那个是什么东西", "认一下@是什么", "@上面画的是什么", "@的商品叫什么", "@里头装的啥"],
    price: ["@几块", "@多少", "@啥价", "@标的价是多少", "@那个卖多少钱", "@贵不贵,多少钱", "@要花多少钱"],
    where: ["@搁哪儿了", "@在第几行几列", "找找@", "@放哪了", "哪儿有@", "我找不到@,它在哪", "@是哪一格"],
    "price-of": [
      "@几块",
      "@啥价",
      "@卖多少",
      "@贵吗,多少钱",
      "@什么价钱",
      "想买点@,多少钱",
      "@的标价",
      "@要几块钱",
      "查一下@的价格",
      "@怎么卖呀",
    ],
    any: ["有@没", "@有没有", "卖不卖@", "这儿有@吗", "看得到@吗", "能不能买到@", "@有货吗"],
  },
};

/** Asks about a place or a name in loose words. @example looseQuestion("price", "row 1, column 2", random, "en") */
export const looseQuestion = (form: CellForm, subject: string, random: Random, language: Language): string =>
  random.pick(forms[language][form]).replace("@", subject);
