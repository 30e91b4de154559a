// Questions about the market have the answers that their boards give.

import { describe, expect, test } from "vitest";
import {
  askAbout,
  type Cell,
  constantAnswers,
  families,
  kinds,
  marketCorpus,
  type PriceBoard,
  patchClasses,
  type Question,
  sampleBoard,
  scoreAnswer,
} from "../market/index.ts";

type Filled = Cell & { kind: string };
const boards = Array.from({ length: 700 }, (_, seed) => ({ seed, board: sampleBoard(seed) }));
const priceBoards = boards.filter((one): one is { seed: number; board: PriceBoard } => one.board.scene === "board");
const filled = (board: PriceBoard) => board.cells.filter((cell): cell is Filled => cell.kind !== null);

const ordinal: Record<string, number> = {
  一: 1,
  二: 2,
  三: 3,
  四: 4,
  五: 5,
  first: 1,
  second: 2,
  third: 3,
  fourth: 4,
  fifth: 5,
};
/** Row and column that a question names, read by rules of this test alone. */
function placeIn(asked: string, board: PriceBoard): [number, number] {
  const question = asked.toLowerCase();
  const corner = question.match(/[左右][上下]角|(?:top|bottom) (?:left|right) corner/)?.[0];
  if (corner) return [/上|top/.test(corner) ? 1 : board.rows, /左|left/.test(corner) ? 1 : board.columns];
  const numeral = "([1-9]|一|二|三|四|五|first|second|third|fourth|fifth)";
  const value = (word: string) => ordinal[word] ?? Number(word);
  const placeOfRow = question.match(new RegExp(`the ${numeral} place of the ${numeral} row`));
  if (placeOfRow) return [value(placeOfRow[2]!), value(placeOfRow[1]!)];
  const found = [
    ...question.matchAll(
      new RegExp(`${numeral}(?=行|排|列|个| row| column|,? ?column|, \\d\\)|\\))|(?:row|column) ([1-9])`, "g"),
    ),
  ];
  const numbers = found.map((match) => value(match[1] ?? match[2]!));
  return [numbers[0]!, numbers[1]!];
}

/** Kinds of the board that a question names, in order of their first mention. */
function namedIn(question: string, board: PriceBoard): Filled[] {
  const at = (cell: Filled) => {
    const kind = kinds.find((one) => one.id === cell.kind)!;
    // Longer names that contain this one hide it.
    let text = question;
    for (const other of kinds) {
      for (const name of [...other.zh, ...other.en]) {
        if (other !== kind && [...kind.zh, ...kind.en].some((own) => name !== own && name.includes(own)))
          text = text.replaceAll(name, "#".repeat(name.length));
      }
    }
    const places = [...kind.zh, ...kind.en]
      .map((name) => text.search(new RegExp(/[a-z]/.test(name) ? `\\b${name}\\b` : name, "i")))
      .filter((place) => place >= 0);
    return places.length > 0 ? Math.min(...places) : -1;
  };
  return filled(board)
    .map((cell) => ({ cell, place: at(cell) }))
    .filter(({ place }) => place >= 0)
    .sort((a, b) => a.place - b.place)
    .map(({ cell }) => cell);
}

/** The truth of a question, worked out again from the question's words and the board. */
function truth({ type, question, language }: Question, board: PriceBoard): unknown {
  const cells = filled(board);
  const named = namedIn(question, board);
  const numbers = [...question.matchAll(/\d+(?:\.\d+)?/g)].map((match) => Number(match[0]));
  const [row, column] = placeIn(question, board);
  const there = board.cells.find((cell) => cell.row === row && cell.column === column);
  const cheaper = /便宜|cheaper|costs? less|lower/.test(question) ? -1 : 1;
  switch (type) {
    case "offer":
      return { kind: there?.kind, cents: there?.cents };
    case "kind":
      return there?.kind;
    case "price":
      return there?.cents;
    case "empty":
      return there?.kind ?? null;
    case "nowhere":
      return there ? "there is something" : null;
    case "where":
      return { row: named[0]?.row, column: named[0]?.column };
    case "price-of":
      return named[0]?.cents;
    case "any":
    case "any-absent":
      return named.length > 0;
    case "where-absent":
    case "price-of-absent":
      return named.length > 0 ? "it is there" : null;
    case "kinds":
      return new Set(cells.map((cell) => cell.kind)).size;
    case "rows":
      return Math.max(...board.cells.map((cell) => cell.row));
    case "columns":
      return Math.max(...board.cells.map((cell) => cell.column));
    case "in-row":
      return cells.filter((cell) => cell.row === numbers[0]).length;
    case "under":
    case "over": {
      const limit = numbers[0]! * 100;
      return cells.filter((cell) => (type === "under" ? cell.cents < limit : cell.cents > limit)).length;
    }
    case "group": {
      const group = /水果|fruit/.test(question) ? "fruit" : "vegetable";
      return cells.filter((cell) => kinds.find((kind) => kind.id === cell.kind)?.group === group).length;
    }
    case "cheapest":
      return cells.reduce((a, b) => (b.cents < a.cents ? b : a)).kind;
    case "dearest":
      return cells.reduce((a, b) => (b.cents > a.cents ? b : a)).kind;
    case "which":
      return named[0]!.cents * cheaper > named[1]!.cents * cheaper ? named[0]!.kind : named[1]!.kind;
    case "dearer":
      return named[0]!.cents * cheaper > named[1]!.cents * cheaper;
    case "sort": {
      const falling =
        language === "zh"
          ? /从高到低|从贵到便宜/.test(question)
          : /dearest first|from dearest|highest first/.test(question);
      return [...named].sort((a, b) => (falling ? b.cents - a.cents : a.cents - b.cents)).map((cell) => cell.kind);
    }
    case "times":
      return named[0]!.cents * numbers[0]!;
    case "sum":
      return named[0]!.cents + named[1]!.cents;
    case "difference":
      return Math.abs(named[0]!.cents - named[1]!.cents);
    case "change": {
      const note = Math.max(...numbers);
      return note * 100 - named[0]!.cents * (numbers.length > 1 ? Math.min(...numbers) : 1);
    }
    default:
      return undefined;
  }
}

describe("questions about a price board", () => {
  test("have the answer that a second calculation gives", () => {
    const checked = new Set<string>();
    for (const { seed, board } of priceBoards) {
      for (const question of askAbout(board, seed, { families: [1, 2, 3, 4, 5], count: 8 })) {
        const second = truth(question, board);
        // JSON first: expect takes its time on thousands of questions.
        if (JSON.stringify(question.gold.value) !== JSON.stringify(second)) {
          expect([question.question, question.gold.value]).toEqual([question.question, second]);
        }
        checked.add(question.type);
      }
    }
    expect(checked.size).toBe(27);
  });

  test("name everything in a description, in reading order", () => {
    for (const { seed, board } of priceBoards.slice(0, 300)) {
      const [question] = askAbout(board, seed, { families: [6], count: 1 });
      const expected = Array.from({ length: board.rows }, (_, r) =>
        board.cells.filter((cell) => cell.row === r + 1).map(({ kind, cents }) => (kind ? { kind, cents } : null)),
      );
      expect(question?.gold).toEqual({ kind: "cells", value: expected });
    }
  });
});

test("the answer that training teaches is right for every question", () => {
  for (const { seed, board } of boards) {
    for (const question of askAbout(board, seed + 7, { count: 8 })) {
      const score = scoreAnswer(question.gold, question.answer);
      if (!score.correct) expect.fail(`${question.question} | ${question.answer} | ${score.detail}`);
    }
  }
});

test("the same seed asks the same questions, and another one asks others", () => {
  const { board } = priceBoards[0]!;
  expect(askAbout(board, 5, { count: 6 })).toEqual(askAbout(board, 5, { count: 6 }));
  expect(askAbout(board, 6, { count: 6 })).not.toEqual(askAbout(board, 5, { count: 6 }));
});

test("families, languages and both truth values come in sensible shares", () => {
  const questions = boards.flatMap(({ seed, board }) => askAbout(board, seed, { count: 8 }));
  const share = (test: (question: Question) => boolean) => questions.filter(test).length / questions.length;
  for (const family of families) expect(share((question) => question.family === family)).toBeGreaterThan(0.04);
  expect(share((question) => question.language === "zh")).toBeCloseTo(0.5, 1);
  const yesno = questions.filter(({ gold, family }) => gold.kind === "yesno" && family <= 5);
  expect(yesno.filter(({ gold }) => gold.value === true).length / yesno.length).toBeCloseTo(0.5, 1);
  for (const family of [1, 2, 3, 4, 5] as const) {
    // Many phrasings: names, numbers and places aside.
    const forms = questions.filter((question) => question.family === family).map(({ question }) => question);
    expect(new Set(forms).size).toBeGreaterThan(60);
  }
});

test("asking for one language or one family gives only that", () => {
  for (const { seed, board } of priceBoards.slice(0, 50)) {
    for (const question of askAbout(board, seed, { families: [2], count: 5, language: "en" })) {
      expect(question).toMatchObject({ family: 2, language: "en" });
      expect(question.question + question.answer).not.toMatch(/\p{Script=Han}/u);
    }
  }
});

test("families 3 to 5 show their steps in think tags and only the result in answer tags", () => {
  for (const { seed, board } of priceBoards.slice(0, 200)) {
    for (const { answer, gold } of askAbout(board, seed, { families: [3, 4, 5], count: 6 })) {
      if (!/^<think>(?:(?!<\/?(?:think|answer)>).)+<\/think><answer>[^<]+<\/answer>$/.test(answer)) expect.fail(answer);
      if (gold.kind === "price") expect(answer).toMatch(/<answer>[¥$]\d+(\.\d{1,2})?<\/answer>$/);
      if (gold.kind === "count") expect(answer).toMatch(/<answer>\d+<\/answer>$/);
    }
  }
});

test("every step of a chain follows from the one before it, and the answer from the last", () => {
  const seen = new Set<string>();
  for (const { seed, board } of priceBoards) {
    for (const { type, question, answer } of askAbout(board, seed + 2, { families: [3, 4], count: 6 })) {
      const [, chain, result] = /^<think>(.+)<\/think><answer>(.+)<\/answer>$/.exec(answer)!;
      const steps = chain!.split(/, ?/);
      const priceIn = (text: string) => Number(/\d+(?:\.\d+)?/.exec(text)![0]);
      const nameIn = (text: string) => text.replace(/\d+(?:\.\d+)?/, "").trim();
      const signOf = (a: number, b: number) => (a < b ? "<" : a > b ? ">" : "=");
      const about = `${question} ${answer}`;
      if (type === "cheapest" || type === "dearest") {
        let best = [nameIn(steps[0]!), priceIn(steps[0]!)] as const;
        for (const step of steps.slice(1)) {
          const [name, price, before, sign, leader] = /^(\D+?) ?([\d.]+):([\d.]+)([<=>]) ?(.+)$/.exec(step)!.slice(1);
          expect(Number(before), about).toBe(best[1]);
          expect(sign, about).toBe(signOf(Number(price), best[1]));
          if (sign === (type === "cheapest" ? "<" : ">")) best = [name!, Number(price)];
          expect(leader, about).toBe(best[0]);
        }
        expect(best[0], about).toBe(result);
      } else if (type === "under" || type === "over") {
        for (const step of steps) {
          const [price, limit, sign, mark] = /([\d.]+):([\d.]+)([<>])([+-])$/.exec(step)!.slice(1);
          expect(sign, about).toBe(Number(price) < Number(limit) ? "<" : ">");
          expect(mark, about).toBe((sign === "<") === (type === "under") ? "+" : "-");
        }
        expect(`${steps.filter((step) => step.endsWith("+")).length}`, about).toBe(result);
      } else if (type === "sort") {
        for (const step of steps.slice(3, 6)) {
          const [a, sign, b] = /^([\d.]+)([<>])([\d.]+)$/.exec(step)!.slice(1);
          expect(sign, about).toBe(signOf(Number(a), Number(b)));
        }
        const order = steps.slice(6).join(", ").split(/; ?/);
        expect(order.map(nameIn).join(), about).toBe(result!.split(/, ?/).join());
        const prices = order.map(priceIn);
        expect([prices.toSorted((a, b) => a - b), prices.toSorted((a, b) => b - a)], about).toContainEqual(prices);
      } else if (type === "which" || type === "dearer") {
        const [high, low] = steps[2]!.split(">") as [string, string];
        expect(priceIn(high), about).toBeGreaterThan(priceIn(low));
        if (type === "which") expect([nameIn(high), nameIn(low)], about).toContain(result);
        else expect(/^(?:yes|是)$/.test(result!), about).toBe(steps[3] === steps[4]!.replace("?", ""));
      } else continue;
      seen.add(type);
    }
  }
  expect([...seen].sort()).toEqual(["cheapest", "dearer", "dearest", "over", "sort", "under", "which"]);
});

test("a brief answer reads the same, says the same result, and leaves the working out", () => {
  const kept = new Set<string>();
  for (const { seed, board } of priceBoards.slice(0, 300)) {
    const [full, brief, mixed] = [0, 1, 0.5].map((share) =>
      askAbout(board, seed, { families: [1, 3, 4, 5], count: 6, brief: share }),
    ) as [Question[], Question[], Question[]];
    full.forEach((question, i) => {
      const short = brief[i]!;
      expect({ ...short, answer: "" }).toEqual({ ...question, answer: "" });
      expect([question.answer, short.answer]).toContain(mixed[i]!.answer);
      expect(scoreAnswer(short.gold, short.answer).correct, short.answer).toBe(true);
      if (question.family === 1 || question.type === "rows" || question.type === "columns")
        expect(short.answer).toBe(question.answer);
      else expect(short.answer.length).toBeLessThanOrEqual(question.answer.length);
      if (short.answer !== question.answer) kept.add(question.type);
    });
  }
  expect(kept.size).toBe(14);
});

test("the answers that never look are right now and then, but for no family often", () => {
  const guess = constantAnswers();
  const questions = priceBoards.flatMap(({ seed, board }) =>
    askAbout(board, seed + 1, { families: [1, 2, 3, 4, 5], count: 4 }),
  );
  const accuracy =
    questions.filter((question) => scoreAnswer(question.gold, guess(question)).correct).length / questions.length;
  expect(accuracy).toBeGreaterThan(0.05);
  expect(accuracy).toBeLessThan(0.4);
});

test("a grid that the model can't read is refused", () => {
  expect(() => sampleBoard(1, { scene: "board", rows: 4 })).toThrow(/1 to 3 rows/);
  expect(() => sampleBoard(1, { scene: "board", columns: 2.5 })).toThrow(/1 to 5 columns/);
});

test("the corpus repeats for a seed, has the asked length and both languages", () => {
  const texts = [...marketCorpus(3, 500)];
  expect(texts).toHaveLength(500);
  expect([...marketCorpus(3, 500)]).toEqual(texts);
  expect(texts.filter((text) => /\p{Script=Han}/u.test(text)).length).toBeGreaterThan(150);
  expect(texts.filter((text) => !/\p{Script=Han}/u.test(text)).length).toBeGreaterThan(150);
  expect(() => [...marketCorpus(3, -1)]).toThrow(/whole number/);
});

test("patch classes fit a byte and name every kind and digit once", () => {
  expect(patchClasses.length).toBeLessThanOrEqual(256);
  expect(new Set(patchClasses).size).toBe(patchClasses.length);
  for (const kind of kinds) expect(patchClasses).toContain(`kind:${kind.id}`);
  for (const digit of "0123456789.¥$") expect(patchClasses).toContain(digit);
});
