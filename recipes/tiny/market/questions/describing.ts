/** @file Question family 6: describe the whole picture. */

import type { Board } from "../board.ts";
import { describe } from "../describe.ts";
import type { Random } from "../random.ts";
import { colours, shapes, things } from "../things.ts";
import { gap, type Language } from "../words.ts";
import type { Draft, Gold } from "./question.ts";

const forms = {
  zh: [
    "描述这张图片。",
    "描述一下这张图",
    "图片里有什么?",
    "请说出图中所有的蔬菜水果和价格。",
    "把价目牌上的内容全部读出来",
    "列出图中的所有商品和价格",
    "请按行读出这张价目牌",
    "这张图上都有些什么,各卖多少钱?",
    "请描述图片内容",
    "看图,按顺序说出每一格的内容",
    "介绍一下这张图片",
    "图上写了什么?",
  ],
  en: [
    "Describe this picture.",
    "Describe the image.",
    "What is in the picture?",
    "List all items and their prices.",
    "Read out the whole board.",
    "Read the board row by row.",
    "What do you see, and what does each cost?",
    "Please describe the picture.",
    "Tell me everything that is on this board.",
    "Go through all cells in order.",
    "What does the picture show?",
  ],
} as const;

/** Asks for everything in the picture, in the fixed form of `describe`. */
export function askToDescribe(board: Board, random: Random, language: Language): Draft {
  return {
    type: "describe",
    question: random.pick(forms[language]),
    answer: `${describe(board, language)}${language === "zh" ? "。" : "."}`,
    gold: goldOf(board, language),
  };
}

function goldOf(board: Board, language: Language): Gold {
  if (board.scene === "board") {
    const value = Array.from({ length: board.rows }, (_, r) =>
      board.cells
        .filter((cell) => cell.row === r + 1)
        .map((cell) => (cell.kind ? { kind: cell.kind, cents: cell.cents } : null)),
    );
    return { kind: "cells", value };
  }
  const word = (item: { zh: string; en: string }) => (language === "zh" ? item.zh : item.en.replace(/^an? /, ""));
  if (board.scene === "other") {
    const thing = things.find((one) => one.id === board.thing);
    return {
      kind: "free",
      value: [language === "zh" ? ["不是价目牌"] : ["not a price board"], ...(thing ? [[word(thing)]] : [])],
      not: things.filter((one) => one !== thing).map(word),
    };
  }
  const shown = new Set(board.shapes.map((item) => item.shape));
  return {
    kind: "free",
    value: [
      ...board.shapes.map((item) => [
        `${word(colours.find((one) => one.id === item.colour)!)}${gap(language)}${word(shapes.find((one) => one.id === item.shape)!)}`,
      ]),
      ...(board.number ? [[board.number.digits]] : []),
    ],
    not: shapes.filter((shape) => !shown.has(shape.id)).map(word),
  };
}
