/** @file Puts pictures, system texts and turns together into whole conversations, as people and programs send them. */

import type { ContentPart, ImageInput, Message } from "flashvl/processor";
import { askAbout } from "../ask-about.ts";
import type { Board, PriceBoard } from "../board.ts";
import { askInGeneral } from "../questions/general.ts";
import type { Random } from "../random.ts";
import { smallTalk } from "../small-talk.ts";
import type { Language } from "../words.ts";
import { askMissing } from "./about-cell.ts";
import { askFresh, converse } from "./converse.ts";
import { askForJson } from "./json-questions.ts";
import { asPeopleAsk } from "./phrasing.ts";
import { askAbility, askForeign, askNonsense, askText, askUnanswerable, askUnusual, askWhat } from "./small-matters.ts";
import { hasGoods, type Turn } from "./turn.ts";
import { askAboutTwo } from "./two-boards.ts";

/** Where a picture stands in its turn. */
export type Placing = "before" | "after" | "between";

const systemTexts = [
  "You are a helpful assistant.",
  "You help people to shop.",
  "You are a helpful assistant that answers questions about pictures.",
  "Answer the user's questions about the image.",
  "Be friendly.",
  "You are a vision assistant. Be precise.",
  "You are a shop assistant. Answer in full sentences.",
  "你是一个有用的助手。",
  "你是菜市场的小助手。",
  "请根据图片回答用户的问题。",
  "请准确回答。",
];
const preambles: Readonly<Record<Language, readonly string[]>> = {
  en: [
    "Here is a picture.",
    "This is my board:",
    "Look at this:",
    "I have a question about this photo.",
    "See the image.",
    "Image:",
    "Picture 1:",
  ],
  zh: ["这是一张图片。", "看这张图:", "请看图片", "关于这张照片我有个问题。", "图片如下:", "图:", "这是我的价目牌:"],
};

/** A turn of the user that brings pictures. */
export function withPictures(
  images: readonly ImageInput[],
  text: string,
  placing: Placing,
  random: Random,
  language: Language,
): ContentPart[] {
  const pictures = images.map((image): ContentPart => ({ type: "image", image }));
  const says = (words: string): ContentPart => ({ type: "text", text: words });
  if (placing === "before") return [...pictures, says(text)];
  if (placing === "after") return [says(text), ...pictures];
  const preamble = random.pick(preambles[language]);
  if (images.length > 1)
    return [pictures[0]!, says(random.pick(["", preamble, "and", "和"])), ...pictures.slice(1), says(text)];
  return [says(preamble), ...pictures, says(text)];
}

/** Turns as messages: the first brings the pictures. */
export function toMessages(
  turns: readonly Pick<Turn, "question" | "answer">[],
  first: (question: string) => Message["content"],
): Message[] {
  return turns.flatMap(({ question, answer }, i): Message[] => [
    { role: "user", content: i === 0 ? first(question) : question },
    { role: "assistant", content: answer },
  ]);
}

/** One turn about any picture, in words that nobody chose carefully. */
export function askOrdinarily(board: Board, random: Random, language: Language): Turn {
  const careless = (turn: Omit<Turn, "language"> & Partial<Turn>): Turn => ({
    language,
    ...turn,
    question: asPeopleAsk(turn.question, random, language),
  });
  const small = () => {
    const ask = random.weighted([
      [askUnanswerable, 4],
      [askNonsense, 1],
      [askText, 2],
      [askUnusual, 2],
      [askWhat, 1.5],
      [askInGeneral, 1.5],
    ]);
    return ask(board, random, language);
  };
  if (!hasGoods(board)) {
    if (random.chance(0.3)) return careless(small());
    const [question] = askAbout(board, random.integer(0, 2 ** 31), { count: 1, language });
    return question ? careless(question) : careless(small());
  }
  const kind = random.weighted([
    ["fresh", 10],
    ["json", 3],
    ["missing", 1],
    ["small", 1.5],
    ["foreign", 0.5],
    ["ability", 0.3],
  ] as const);
  switch (kind) {
    case "fresh": {
      const made = askFresh(board, random, language);
      return "turn" in made ? made.turn : made;
    }
    case "json":
      return askForJson(board, random, language) ?? careless(small());
    case "missing":
      return careless(askMissing(board, random, language));
    case "foreign":
      return careless(askForeign(board, random, language));
    case "ability":
      return careless(askAbility(random, language));
    case "small":
      return careless(small());
  }
}

/** Several turns about any picture. */
function severalTurns(board: Board, random: Random, language: Language, count: number): Turn[] {
  if (hasGoods(board)) {
    const turns = converse(board, random, language, count);
    // Programs ask for JSON in the middle of things too.
    if (random.chance(0.12)) {
      const turn = askForJson(board, random, language, 8);
      // At an end: what lies between would no longer refer to what it referred to.
      if (turn && random.chance(0.5)) turns.unshift(turn);
      else if (turn) turns.push(turn);
    }
    return turns;
  }
  return Array.from({ length: count }, () => askOrdinarily(board, random, language));
}

export interface Shown {
  readonly image: ImageInput;
  readonly board: Board;
}

/** How many turns a conversation has that has several. */
const pickCount = (random: Random): number =>
  random.weighted([
    [2, 5],
    [3, 4],
    [4, 3],
    [5, 2],
    [6, 2],
  ]);

/** The most conversations that share a beginning: whoever packs them stops when they fit no more. */
const MOST_BRANCHES = 16;

/**
 * What is asked about these pictures (one, or two with goods on both) in separate conversations: pictures before the words, after them
 * or between, a system text or none, at once or after a greeting. Endless variety comes from `random`.
 * @param plain share of the questions that are put as the families put them
 */
export function conversationsAbout(shown: readonly Shown[], random: Random, plain = 0.4): Message[][] {
  const images = shown.map(({ image }) => image);
  const [{ board }] = shown as [Shown];
  const boards = shown.map((one) => one.board).filter(hasGoods);
  const two = shown.length > 1;
  const pickLanguage = (): Language => random.pick(["zh", "en"] as const);
  const system: Message[] = random.chance(0.2) ? [{ role: "system", content: random.pick(systemTexts) }] : [];
  const one = (language: Language): Turn => {
    if (two) {
      const turn = askAboutTwo(boards, random, language);
      return { ...turn, question: asPeopleAsk(turn.question, random, language) };
    }
    if (random.chance(plain)) {
      const [question] = askAbout(board, random.integer(0, 2 ** 31), { count: 1, language, weights: plainWeights });
      if (question) return question;
    }
    return askOrdinarily(board, random, language);
  };
  const some = (language: Language): Turn[] =>
    two
      ? Array.from({ length: random.integer(1, 4) }, () => one(language))
      : random.chance(0.4)
        ? severalTurns(board, random, language, pickCount(random))
        : [one(language)];
  const pickPlacing = () =>
    random.weighted<Placing>([
      ["before", 6],
      ["after", 3],
      ["between", 2],
    ]);
  const way = random.weighted([
    ["usual", 16],
    ["late", 2],
    ["program", two || !hasGoods(board) ? 0 : 3.5],
  ] as const);
  if (way === "late") {
    const language = pickLanguage();
    const { questions, answer } = random.pick(smallTalk[language].slice(0, 3));
    const greeting = toMessages([{ question: random.pick(questions), answer }], (text) => text);
    const first = (text: string) => withPictures(images, text, pickPlacing(), random, language);
    return [[...system, ...greeting, ...toMessages(some(language), first)]];
  }
  // Each in its own words; what they share is found where they are packed, since pictures are written first in their turn.
  return Array.from({ length: MOST_BRANCHES }, () => {
    const language = pickLanguage();
    const turns = way === "program" && hasGoods(board) ? asPrograms(board, random, language) : some(language);
    return [...system, ...toMessages(turns, (text) => withPictures(images, text, pickPlacing(), random, language))];
  }).filter((messages) => messages.length > system.length);
}

/** One question for JSON, sometimes another after it; none where the board has more than an answer may list. */
function asPrograms(board: PriceBoard, random: Random, language: Language): Turn[] {
  const turns = [askForJson(board, random, language)];
  if (random.chance(0.15)) turns.push(askForJson(board, random, language, 6));
  return turns.filter((turn) => turn !== undefined);
}

/** How often plain questions come from each family. */
const plainWeights = { 1: 5, 2: 6, 3: 6, 4: 8, 5: 5, 6: 3, 7: 1.5 } as const;
