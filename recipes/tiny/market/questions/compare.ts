/** @file Question family 4: cheapest, dearest, dearer of two, order of three. */

import { type FilledCell, filledCells, type PriceBoard } from "../board.ts";
import type { Random } from "../random.ts";
import { amount, gap, type Language, nameOf, readingOf } from "../words.ts";
import type { Draft } from "./question.ts";
import { worked } from "./reason.ts";

/**
 * All prices in reading order, and behind each from the second on the best before it, which of the two is larger, and who is
 * the best now: each step compares two numbers that stand side by side, and what that means comes after. The last name is
 * the answer.
 */
function best(cells: readonly FilledCell[], cheapest: boolean, language: Language): string[] {
  let leader = cells[0]!;
  return cells.map((cell, i) => {
    if (i === 0) return readingOf(cell, language);
    const compared = `${readingOf(cell, language)}:${leader.price}${sign(cell, leader)}`;
    if (cheapest ? cell.cents < leader.cents : cell.cents > leader.cents) leader = cell;
    return `${compared}${gap(language)}${nameOf(leader.kind, language)}`;
  });
}

const sign = (a: FilledCell, b: FilledCell): string => (a.cents < b.cents ? "<" : a.cents > b.cents ? ">" : "=");

/** A price with its name behind it: who found the price before copies the name from there. */
const priced = (cell: FilledCell, language: Language) =>
  `${amount(cell.cents)}${gap(language)}${nameOf(cell.kind, language)}`;

/** Looks up a name's price and says the name again, so that the price leads to it. */
const lookUp = (cell: FilledCell, language: Language) =>
  `${nameOf(cell.kind, language)}${gap(language)}${priced(cell, language)}`;

/** A comparison of prices that has one right answer; the chain reads the prices that are compared. */
export function askToCompare(board: PriceBoard, random: Random, language: Language): Draft | undefined {
  const chinese = language === "zh";
  const cells = filledCells(board);
  if (cells.length < 2) return undefined;
  const look = (cell: FilledCell) => lookUp(cell, language);
  const name = (cell: FilledCell) => nameOf(cell.kind, language);
  const type = random.weighted([
    ["extreme", 4],
    ["dearer", 3],
    ["which", 2],
    ["sort", 2],
  ] as const);
  switch (type) {
    case "extreme": {
      const cheapest = random.chance(0.5);
      const sorted = cells.toSorted((a, b) => (cheapest ? a.cents - b.cents : b.cents - a.cents));
      const [first, second] = [sorted[0]!, sorted[1]!];
      if (first.cents === second.cents) return undefined;
      const question = chinese
        ? random.pick(
            cheapest
              ? ["最便宜的是什么?", "哪种最便宜?", "图中价格最低的是哪一种?", "什么菜最便宜?", "请找出单价最低的"]
              : ["最贵的是什么?", "哪种最贵?", "图中价格最高的是哪一种?", "什么菜最贵?", "请找出单价最高的"],
          )
        : random.pick(
            cheapest
              ? [
                  "What is the cheapest item?",
                  "Which one is the cheapest?",
                  "Which item has the lowest price?",
                  "Find the cheapest one.",
                ]
              : [
                  "What is the most expensive item?",
                  "Which one costs the most?",
                  "Which item has the highest price?",
                  "Find the dearest one.",
                ],
          );
      const readings = cells.map((cell) => readingOf(cell, language));
      return {
        type: cheapest ? "cheapest" : "dearest",
        question,
        ...worked(best(cells, cheapest, language), readings, name(first), language),
        gold: { kind: "kind", value: first.kind },
      };
    }
    case "dearer":
    case "which": {
      const [a, b] = random.sample(cells, 2) as [FilledCell, FilledCell];
      if (a.cents === b.cents) return undefined;
      const up = random.chance(0.5);
      const dear = a.cents > b.cents;
      const truth = up === dear;
      const [high, low] = dear ? [a, b] : [b, a];
      const looks = [look(a), look(b)];
      const steps = [...looks, `${priced(high, language)}>${priced(low, language)}`];
      if (type === "which") {
        const winner = truth ? a : b;
        const question = chinese
          ? random.pick([
              `${name(a)}和${name(b)}哪个更${up ? "贵" : "便宜"}?`,
              `${name(a)}跟${name(b)}比,哪个${up ? "贵" : "便宜"}?`,
              `哪个更${up ? "贵" : "便宜"},${name(a)}还是${name(b)}?`,
            ])
          : random.pick([
              `Which is ${up ? "more expensive" : "cheaper"}, ${name(a)} or ${name(b)}?`,
              `${up ? "Which costs more" : "Which costs less"}: ${name(a)} or ${name(b)}?`,
            ]);
        return {
          type,
          question,
          ...worked(steps, looks, name(winner), language),
          gold: { kind: "kind", value: winner.kind },
        };
      }
      const question = chinese
        ? random.pick([
            `${name(a)}比${name(b)}${up ? "贵" : "便宜"}吗?`,
            `${name(a)}是不是比${name(b)}${up ? "贵" : "便宜"}?`,
            `请问${name(a)}比${name(b)}更${up ? "贵" : "便宜"}吗?`,
          ])
        : random.pick([
            `Is ${name(a)} ${up ? "more expensive" : "cheaper"} than ${name(b)}?`,
            `Does ${name(a)} cost ${up ? "more" : "less"} than ${name(b)}?`,
            `Is the price of ${name(a)} ${up ? "higher" : "lower"} than that of ${name(b)}?`,
          ]);
      const answer = chinese ? (truth ? "是" : "不是") : truth ? "yes" : "no";
      // What the prices say of the two, in a word, then the word that was asked: the answer is whether they are the same.
      const word = (dearer: boolean) => (chinese ? (dearer ? "贵" : "便宜") : dearer ? "dearer" : "cheaper");
      steps.push(word(dear), `${word(up)}?`);
      return { type, question, ...worked(steps, looks, answer, language), gold: { kind: "yesno", value: truth } };
    }
    case "sort": {
      if (cells.length < 3) return undefined;
      const three = random.sample(cells, 3);
      if (new Set(three.map((cell) => cell.cents)).size < 3) return undefined;
      const up = random.chance(0.6);
      const sorted = three.toSorted((a, b) => (up ? a.cents - b.cents : b.cents - a.cents));
      const list = chinese
        ? `${name(three[0]!)}、${name(three[1]!)}和${name(three[2]!)}`
        : `${name(three[0]!)}, ${name(three[1]!)} and ${name(three[2]!)}`;
      const question = chinese
        ? random.pick([
            `把${list}按价格${up ? "从低到高" : "从高到低"}排列`,
            `${list}按${up ? "从便宜到贵" : "从贵到便宜"}怎么排?`,
            `请将${list}按单价${up ? "从低到高" : "从高到低"}排序`,
          ])
        : random.pick([
            `Sort ${list} by price, ${up ? "cheapest" : "dearest"} first.`,
            `Order ${list} from ${up ? "cheapest to dearest" : "dearest to cheapest"}.`,
            `Put ${list} in order of price, ${up ? "lowest" : "highest"} first.`,
          ]);
      const answer = sorted.map(name).join(chinese ? "," : ", ");
      const looks = three.map(look);
      const [a, b, c] = three as [FilledCell, FilledCell, FilledCell];
      // Each against each: the order follows from three signs.
      const signs = (
        [
          [a, b],
          [a, c],
          [b, c],
        ] as const
      ).map(([x, y]) => `${amount(x.cents)}${sign(x, y)}${amount(y.cents)}`);
      return {
        type,
        question,
        ...worked(
          [...looks, ...signs, sorted.map((cell) => priced(cell, language)).join(chinese ? ";" : "; ")],
          looks,
          answer,
          language,
        ),
        gold: { kind: "list", value: sorted.map((cell) => cell.kind) },
      };
    }
  }
}
