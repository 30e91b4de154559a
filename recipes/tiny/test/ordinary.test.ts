// Ordinary asking: every answer that training teaches is right by its own score, conversations go on from what was said,
// samples repeat and resume, and the first world stays what the first table measured.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { imagesOf } from "flashvl/processor";
import { describe, expect, test } from "vitest";
import {
  askAbout,
  askForJson,
  type Board,
  conversationsAbout,
  converse,
  createRandom,
  drawBoard,
  hasGoods,
  type PriceBoard,
  sampleBoard,
  scoreAnswer,
  seedRanges,
} from "../market/index.ts";
import { askAboutTwo } from "../market/ordinary/two-boards.ts";
import { paraphrases } from "../paraphrases.ts";

const wideBoards = (count: number): PriceBoard[] =>
  Array.from({ length: count }, (_, seed) => sampleBoard(seed, { world: "wide", scene: "board" })).filter(
    (board): board is PriceBoard => hasGoods(board),
  );
const languages = ["zh", "en"] as const;

/** Of boards and questions, which depend on nothing but their seeds. */
const hashOf = (split: "test" | "held-out-fonts" | "held-out-art"): string => {
  const hash = createHash("sha256");
  for (let i = 0; i < 300; i++) {
    const seed = seedRanges[split].first + i;
    const board = sampleBoard(seed);
    const brief = askAbout(board, seed, { count: 3, families: [1, 2, 5], brief: 0.6 });
    hash.update(JSON.stringify([board, askAbout(board, seed, { count: 6 }), brief]));
  }
  return hash.digest("hex").slice(0, 12);
};

test("the first world's test sets ask what they always asked", () => {
  expect(hashOf("test")).toBe("95563fed05dc");
  expect(hashOf("held-out-fonts")).toBe("d5daa8c631b9");
  expect(hashOf("held-out-art")).toBe("5fae07929c87");
});

describe("the wide world", () => {
  test("has prices from 0.1 to thousands in many currencies, and writes some of them in other ways", () => {
    const cells = wideBoards(400).flatMap((board) => board.cells.filter((cell) => cell.kind !== null));
    expect(Math.min(...cells.map((cell) => cell.cents))).toBe(10);
    expect(Math.max(...cells.map((cell) => cell.cents))).toBeGreaterThan(100_000);
    for (const { cents, price, written } of cells) {
      expect(Math.round(Number(price) * 100)).toBe(cents);
      // What stands on the tag has the same digits.
      if (written !== undefined) expect(written.replace(/\D/g, "")).toBe(price.replace(/\D/g, ""));
    }
    expect(new Set(wideBoards(400).map((board) => board.currency)).size).toBeGreaterThan(6);
  });

  test("labels digits, kinds and places of every board", async () => {
    for (const seed of [1, 2, 3]) {
      const { board, patchLabels } = await drawBoard(seed, { world: "wide", scene: "board" });
      const places = new Set(patchLabels.filter((label, i) => i % 3 === 2 && label > 0));
      expect(places.size, `places of ${seed}`).toBe((board as PriceBoard).cells.length);
    }
  });
});

test("every turn of a conversation is right by its own score, and says what was asked in the turn's language", () => {
  for (const [i, board] of wideBoards(150).entries()) {
    const turns = converse(board, createRandom(i), languages[i % 2]!, 6);
    expect(turns).toHaveLength(6);
    for (const { gold, answer, question, type } of turns)
      expect(scoreAnswer(gold, answer), `${type}: ${question} → ${answer}`).toMatchObject({ correct: true });
  }
});

test("answers in JSON fit their schema's keys, are compact and right", () => {
  for (const [i, board] of wideBoards(200).entries()) {
    const turn = askForJson(board, createRandom(i), languages[i % 2]!, 15, true)!;
    expect(scoreAnswer(turn.gold, turn.answer)).toMatchObject({ correct: true });
    expect(turn.answer).toBe(JSON.stringify(JSON.parse(turn.answer)));
    // The schema stands in the question, on one line or several.
    const { type } = turn.schema as { type: string };
    expect(turn.question.replace(/\s+/g, "")).toContain(`"type":"${type}"`);
    expect(Array.isArray(JSON.parse(turn.answer)) ? "array" : "object").toBe(type);
  }
});

test("a list in JSON is scored entry by entry, an object as a whole", () => {
  const gold = {
    kind: "json",
    value: [
      { name: "tomato", price: 3.5 },
      { name: "pear", price: 4 },
    ],
  } as const;
  const score = (answer: string) => scoreAnswer(gold, answer).value;
  expect(score('[{"name":"Tomato","price":3.50},{"name":"pear","price":4}]')).toBe(1);
  expect(score('[{"name":"tomato","price":3.5},{"name":"pear","price":5}]')).toBe(0.5);
  expect(score('[{"name":"tomato","price":3.5}]')).toBe(0.5);
  expect(score('[{"name":"tomato","price":"3.5"},{"name":"pear","price":4},{"name":"pear","price":4}]')).toBeCloseTo(
    1 / 3,
  );
  expect(score("not JSON")).toBe(0);
  const one = { kind: "json", value: { name: "tomato", price: 3.5 } } as const;
  expect(scoreAnswer(one, '```json\n{"price":3.5,"name":"tomato"}\n```').value).toBe(1);
  expect(scoreAnswer(one, '{"name":"tomato","price":3.5,"row":1}').value).toBe(0);
});

test("answers about two pictures are right by their own score", () => {
  const boards = wideBoards(200);
  for (let i = 0; i + 1 < boards.length; i += 2) {
    const { gold, answer, question } = askAboutTwo(boards.slice(i, i + 2), createRandom(i), languages[(i / 2) % 2]!);
    expect(scoreAnswer(gold, answer), `${question} → ${answer}`).toMatchObject({ correct: true });
  }
});

test("conversations bring the picture before, after and between texts, late, and with system texts", () => {
  const image = { data: new Uint8Array(3), width: 1, height: 1 };
  const seen = new Set<string>();
  for (let seed = 0; seed < 150; seed++) {
    const board: Board = sampleBoard(seed, { world: "wide" });
    for (const messages of conversationsAbout([{ image, board }], createRandom(seed))) {
      expect(imagesOf(messages)).toHaveLength(1);
      expect(messages.at(-1)!.role).toBe("assistant");
      const users = messages.filter(({ role }) => role === "user");
      const at = users.findIndex(({ content }) => Array.isArray(content));
      const parts = (users[at]!.content as { type: string }[]).map(({ type }) => type).join();
      seen.add(at > 0 ? "late" : parts);
      if (messages[0]!.role === "system") seen.add("system");
      if (users.length > 5) seen.add("six turns");
    }
  }
  expect(seen).toEqual(new Set(["image,text", "text,image", "text,image,text", "late", "system", "six turns"]));
});

test("the hundred paraphrases are written by hand: different, and none is the generator's", async () => {
  const file = new URL("../paraphrases.json", import.meta.url);
  const all = JSON.parse(readFileSync(file, "utf8")) as { form: string; text: string; language: string }[];
  const answerable = all.filter(({ form }) => form !== "unanswerable");
  expect(answerable).toHaveLength(100);
  const rows: { question: string; language: string }[] = [];
  for await (const row of paraphrases().rows()) rows.push(row);
  expect(rows).toHaveLength(100);
  expect(rows.every(({ question }) => !/[{}]|undefined/.test(question))).toBe(true);
  const generated = new Set<string>();
  for (const [i, board] of wideBoards(300).entries())
    for (const { question } of askAbout(board, i, { count: 20 })) generated.add(question.toLowerCase());
  expect(rows.filter(({ question }) => generated.has(question.toLowerCase()))).toEqual([]);
});
