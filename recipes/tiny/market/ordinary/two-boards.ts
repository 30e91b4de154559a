/** @file Questions about two pictures of one conversation. */

import { type FilledCell, filledCells, type PriceBoard } from "../board.ts";
import { reason } from "../questions/reason.ts";
import { stateCell } from "../questions/statements.ts";
import type { Random } from "../random.ts";
import { gap, type Language, nameOf } from "../words.ts";
import { pickForm, placeForms, subjectOf } from "./about-cell.ts";
import { looseQuestion } from "./other-words.ts";
import { goldOfCell, type Turn } from "./turn.ts";

const numbers = { en: ["first", "second"], zh: ["第一", "第二"] } as const;
/** "the first picture", "第一张图". */
const pictureName = (index: 0 | 1, language: Language): string =>
  language === "zh" ? `${numbers.zh[index]}张图` : `the ${numbers.en[index]} picture`;
const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1);

/** About one of the two pictures. */
function askOne(boards: readonly PriceBoard[], random: Random, language: Language): Turn {
  const index = random.integer(0, 1) as 0 | 1;
  const board = boards[index]!;
  const form = pickForm(random);
  const cell = random.pick(filledCells(board));
  const which = pictureName(index, language);
  const question = looseQuestion(form, subjectOf(form, cell, random, language), random, language);
  const asked =
    language === "zh"
      ? random.pick([`${which}里,${question}`, `${which}:${question}`, `看${which},${question}`])
      : random.pick([`In ${which}: ${question}`, `${capital(which)}: ${question}`, `Look at ${which}. ${question}`]);
  const stated = stateCell(form, board, cell, language);
  // Yes comes first where it is asked for.
  const answer = form === "any" ? stated : `${capital(which)}:${gap(language)}${stated}`;
  return {
    type: `one-${placeForms.has(form) ? "place" : "name"}`,
    language,
    question: asked,
    answer,
    gold: goldOfCell(form, cell),
  };
}

/** Which picture sells it for less, or more. */
function askCheaper(boards: readonly PriceBoard[], random: Random, language: Language): Turn | undefined {
  const [first, second] = boards.map(filledCells) as [FilledCell[], FilledCell[]];
  const shared = first.filter((cell) => second.some((other) => other.kind === cell.kind && other.cents !== cell.cents));
  if (shared.length === 0) return undefined;
  const a = random.pick(shared);
  const b = second.find((cell) => cell.kind === a.kind)!;
  const cheaper = random.chance(0.5);
  const index = a.cents < b.cents === cheaper ? 0 : 1;
  const name = nameOf(a.kind, language);
  const question =
    language === "zh"
      ? random.pick([
          `哪张图的${name}更${cheaper ? "便宜" : "贵"}?`,
          `${name}在哪张图里${cheaper ? "便宜" : "贵"}一些`,
          `两张图比一比,谁家${name}${cheaper ? "便宜" : "贵"}?`,
        ])
      : random
          .pick([
            `Which board has cheaper ${name}?`,
            `In which picture is the ${name} cheaper?`,
            `Where does ${name} cost less?`,
          ])
          .replace(/cheaper|less/, (word) => (cheaper ? word : word === "less" ? "more" : "dearer"));
  const space = gap(language);
  const read = (i: 0 | 1, cell: FilledCell) => `${pictureName(i, language)}${space}${name}${space}${cell.price}`;
  const sign = a.cents < b.cents ? ">" : "<";
  const chain = [read(0, a), `${read(1, b)}:${a.price}${sign}`];
  const answer = reason(chain, pictureName(index, language), language);
  const said = (i: 0 | 1) => numbers[language][i];
  return {
    type: "cheaper",
    language,
    question,
    answer,
    gold: { kind: "free", value: [[said(index)]], not: [said(index === 0 ? 1 : 0)] },
  };
}

/** Which picture has it at all. */
function askWhich(boards: readonly PriceBoard[], random: Random, language: Language): Turn {
  const index = random.integer(0, 1) as 0 | 1;
  const { kind } = random.pick(filledCells(boards[index]!));
  const has = boards.map((board) => filledCells(board).some((cell) => cell.kind === kind));
  const name = nameOf(kind, language);
  const question =
    language === "zh"
      ? random.pick([`哪张图里有${name}?`, `${name}在哪张图?`])
      : random.pick([`Which picture has ${name}?`, `In which of the two is the ${name}?`]);
  const both = has[0] && has[1];
  const answer =
    language === "zh"
      ? both
        ? `两张图里都有${name}。`
        : `${pictureName(index, language)}里有${name}。`
      : both
        ? `Both pictures have ${name}.`
        : `${capital(pictureName(index, language))} has ${name}.`;
  const words = both ? (language === "zh" ? ["两张"] : ["both"]) : [numbers[language][index]];
  const not = both ? [] : [numbers[language][index === 0 ? 1 : 0]];
  return { type: "which", language, question, answer, gold: { kind: "free", value: [words], not } };
}

/** @param boards two, with something on each */
export function askAboutTwo(boards: readonly PriceBoard[], random: Random, language: Language): Turn {
  const ask = random.weighted([
    [askOne, 5],
    [askCheaper, 4],
    [askWhich, 2],
  ]);
  return ask(boards, random, language) ?? askOne(boards, random, language);
}
