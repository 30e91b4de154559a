// Answers to market questions are read leniently and judged strictly.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Gold, scoreAnswer } from "../market/index.ts";

const right = (gold: Gold, answer: string) => scoreAnswer(gold, answer).correct;
const price: Gold = { kind: "price", value: 1680 };
const pea: Gold = { kind: "kind", value: "pea" };
const count: Gold = { kind: "count", value: 2 };
const yes: Gold = { kind: "yesno", value: true };
const no: Gold = { kind: "yesno", value: false };
const absent: Gold = { kind: "absent", value: null };
const offer: Gold = { kind: "offer", value: { kind: "pea", cents: 1680 } };
const place: Gold = { kind: "place", value: { row: 2, column: 3 } };
const list: Gold = { kind: "list", value: ["apple", "green-apple", "potato"] };

describe("right answers count however they are written", () => {
  test.each<[Gold, string]>([
    [price, "买一斤的价格是**¥16.8**。"],
    [price, "¥16.80"],
    [price, "¥16.8"],
    [price, "16.8元"],
    [price, "16块8"],
    [price, "It costs 16.80 dollars per pound."],
    [price, "<think>西红柿5.6,5.6×3=16.8</think><answer>¥16.8</answer>"],
    [price, "<think>西红柿5.6,5.6×3=16.8</think>¥16.8"],
    [price, "<answer>16.8"],
    [price, "3斤一共16.8"],
    [pea, "图片中第一行第二列的蔬菜是**荷兰豆**。"],
    [pea, "豌豆"],
    [pea, "Snow peas."],
    [{ kind: "kind", value: "green-apple" }, "青苹果"],
    [{ kind: "kind", value: "sweet-potato" }, "It is a sweet potato."],
    [{ kind: "kind", value: "pineapple" }, "pineapples"],
    [count, "图中一共有**2**种。"],
    [count, "两种"],
    [count, "二"],
    [count, "There are two."],
    [count, "第3行有2种"],
    [count, "There are 2 items in row 3."],
    [{ kind: "count", value: 12 }, "十二种"],
    [yes, "有,西红柿在第一行。"],
    [yes, "Yes."],
    [yes, "是的,这是一张价目牌。"],
    [yes, "<think>a</think><answer>是</answer>"],
    [no, "没有,图中没有西瓜。"],
    [no, "不是"],
    [no, "No, there is no lime in the picture."],
    [absent, "图片中没有第四行第二列。"],
    [absent, "I can't see that in the picture."],
    [offer, "图片中第一行第二列的蔬菜是**荷兰豆**,买一斤的价格是**¥16.8**。"],
    [offer, "The vegetable in row 1, column 2 is snow pea, at ¥16.80 per jin."],
    [place, "香蕉在**第二行第三列**。"],
    [place, "row 2, column 3"],
    [place, "It is in the second row, third column."],
    [place, "(2, 3)"],
    [list, "苹果,青苹果,土豆"],
    [list, "<think>apple 1, potato 3</think><answer>apple, green apple, potato</answer>"],
    [{ kind: "free", value: [["熊猫"]], not: ["猫"] }, "图中是**熊猫**。"],
  ])("%j is answered by %s", (gold, answer) => {
    expect(scoreAnswer(gold, answer)).toMatchObject({ correct: true, value: 1 });
  });
});

describe("wrong and hostile answers don't count", () => {
  test.each<[Gold, string]>([
    [price, ""],
    [price, "¥16.81"],
    [price, "¥168"],
    [price, "¥-16.8"],
    [price, "¥16.8 or ¥17.8"],
    [price, "¥1 ¥2 ¥3 ¥16.8"],
    [price, "**¥16.8** **¥16.9**"],
    [price, "¥16.8.1"],
    [price, "<think>¥16.8</think>"],
    [price, "<think>¥16.8"],
    [price, "<think>¥16.8</think><answer></answer>"],
    [price, "<answer>¥16.8</answer><answer>¥3</answer>"],
    [price, "买16.8斤"],
    [pea, "荷兰豆或黄瓜"],
    [pea, "花生"],
    [pea, "peanut"],
    [{ kind: "kind", value: "apple" }, "青苹果"],
    [{ kind: "kind", value: "apple" }, "pineapple"],
    [{ kind: "kind", value: "potato" }, "sweet potato"],
    [count, "1 2 3 4"],
    [count, "第2行"],
    [count, "许多"],
    [yes, "是,不是"],
    [yes, "yes no"],
    [yes, "是不是?"],
    [yes, ""],
    [no, "有没有"],
    [no, ""],
    [absent, "¥3"],
    [absent, "没有,是¥3"],
    [offer, "荷兰豆 ¥16.9"],
    [offer, "黄瓜 ¥16.8"],
    [place, "第三行第二列"],
    [place, "第二行第三列,第一行第一列"],
    [list, "青苹果,苹果,土豆"],
    [list, "苹果,青苹果,土豆,茄子"],
    [{ kind: "free", value: [["狗"]], not: ["猫"] }, "狗,猫"],
    [{ kind: "free", value: [["car"]], not: [] }, "carpet"],
  ])("%j is not answered by %s", (gold, answer) => {
    expect(scoreAnswer(gold, answer).correct).toBe(false);
  });
});

describe("a described board", () => {
  const cells: Gold = {
    kind: "cells",
    value: [[{ kind: "tomato", cents: 350 }, null], [{ kind: "eggplant", cents: 600 }]],
  };

  test("is right in either language and punctuation", () => {
    expect(right(cells, "第1行:西红柿 ¥3.5,空;第2行:茄子 ¥6。")).toBe(true);
    expect(right(cells, "Row 1: tomato ¥3.50, empty; row 2: eggplant ¥6.")).toBe(true);
    expect(right(cells, "第一行:番茄¥3.5、空的\n第二行:茄子6元")).toBe(true);
  });

  test("earns its part of the cells", () => {
    expect(scoreAnswer(cells, "第1行:西红柿 ¥3.5,空;第2行:茄子 ¥7。").value).toBeCloseTo(2 / 3);
    expect(scoreAnswer(cells, "第1行:西红柿 ¥3.5").value).toBeCloseTo(1 / 3);
    expect(scoreAnswer(cells, "西红柿 ¥3.5").value).toBe(0);
  });

  test("loses by cells that are not there, so listing everything never pays", () => {
    const padded = scoreAnswer(cells, "第1行:西红柿 ¥3.5,空,茄子 ¥6;第2行:茄子 ¥6,土豆 ¥1,土豆 ¥2。");
    expect(padded.correct).toBe(false);
    expect(padded.value).toBe(0.5);
    expect(scoreAnswer(cells, "第1行:西红柿 ¥3.5 ¥3.6,空;第2行:茄子 ¥6。").correct).toBe(false);
  });
});

test("half of an offer is worth a half", () => {
  expect(scoreAnswer(offer, "荷兰豆 ¥1").value).toBe(0.5);
  expect(scoreAnswer(offer, "荷兰豆").value).toBe(0.5);
});

test("any text gets a score in 0..1, quickly, without an error", () => {
  const golds = [price, pea, count, yes, absent, offer, place, list];
  const piece = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("<think>", "</think>", "<answer>", "</answer>", "第", "行", "¥", "**", "苹果", "row 1", "9", "."),
  );
  fc.assert(
    fc.property(fc.constantFrom(...golds), fc.array(piece, { maxLength: 30 }), (gold, pieces) => {
      const { value, correct } = scoreAnswer(gold, pieces.join(""));
      return value >= 0 && value <= 1 && correct === (value === 1);
    }),
  );
  // What backtracks on these would not end within the time of a test.
  for (const gold of golds) scoreAnswer(gold, "第".repeat(20_000) + "9.".repeat(20_000) + "<think>".repeat(5_000));
});
