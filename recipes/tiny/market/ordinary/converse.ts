/** @file Conversations of several turns about one board: other cells, neighbours, corrections, the same in another language. */

import { askAbout } from "../ask-about.ts";
import { type FilledCell, filledCells, type PriceBoard } from "../board.ts";
import { type CellForm, stateCell } from "../questions/statements.ts";
import type { Random } from "../random.ts";
import { smallTalk } from "../small-talk.ts";
import type { Language } from "../words.ts";
import { absent, askCell, askMissing, emptyPlace, noPlace, placeForms, subjectOf, turnOf } from "./about-cell.ts";
import { asPeopleAsk } from "./phrasing.ts";
import { askAbility, askText, askUnanswerable, askUnusual } from "./small-matters.ts";
import { goldOfCell, otherLanguage, type Turn } from "./turn.ts";

/** What the last turn was about, as far as the next can refer to it. */
interface State {
  turn: Turn;
  form: CellForm;
  cell: FilledCell;
}

const directions = [
  { row: 1, column: 0, en: ["below", "under it", "one row down"], zh: ["下面", "下边", "下一行同一列"] },
  { row: -1, column: 0, en: ["above", "above it", "one row up"], zh: ["上面", "上边", "上一行同一列"] },
  { row: 0, column: 1, en: ["to the right", "to the right of it", "after that"], zh: ["右边", "右面", "后面一个"] },
  { row: 0, column: -1, en: ["to the left", "to the left of it", "before that"], zh: ["左边", "左面", "前面一个"] },
] as const;

/** "@" stands for the direction, the place or the name. */
const neighbourForms = {
  en: ["And the one @?", "What about the one @?", "and @?", "And what is @?", "the one @", "Now the one @, please."],
  zh: ["@那个呢?", "@的呢?", "那@呢", "@是什么?", "再看@的", "@那一格呢"],
} as const;
const shortForms = {
  en: ["And @?", "What about @?", "and @", "How about @?", "Now @.", "@ too please"],
  zh: ["@呢?", "那@呢?", "还有@", "再看看@", "@怎么样", "那么@呢"],
} as const;
const corrections = {
  en: ["No, I meant @.", "Sorry, I mean @.", "wrong one, @ please", "Not that. @!", "I asked about @.", "no no, @"],
  zh: ["不对,我问的是@", "不是,@", "错了,我说的是@", "我是说@", "不是这个,是@", "抱歉,我想问@"],
} as const;
const inOther = {
  en: [
    "And in Chinese?",
    "Say that in Chinese.",
    "in chinese please",
    "用中文怎么说?",
    "Please answer in Chinese.",
    "中文呢",
  ],
  zh: ["用英文怎么说?", "And in English?", "请用英文回答", "in English please", "英文呢?", "翻译成英文"],
} as const;
const doubts = {
  en: ["Are you sure?", "really?", "Is that right?", "Please check again.", "sure?", "Look again."],
  zh: ["你确定吗?", "真的吗", "对吗?", "再看一下", "没看错吧?", "确定?"],
} as const;
/** What else can be asked about the thing just spoken of. */
const rests: Readonly<Record<Language, Readonly<Partial<Record<CellForm, readonly string[]>>>>> = {
  en: {
    kind: ["And what is it?", "What is it?", "which item is that", "what thing is that"],
    "price-of": ["And how much is it?", "how much is that?", "What does it cost?", "and the price?", "Its price?"],
    where: ["Where is it?", "and where is that", "In which place is it?", "Which row and column?"],
  },
  zh: {
    kind: ["那是什么?", "是什么东西", "它叫什么?", "是哪种"],
    "price-of": ["多少钱?", "那它多少钱", "价格呢?", "怎么卖?", "要多少钱"],
    where: ["它在哪?", "在哪里?", "在第几行第几列?", "位置呢"],
  },
};

const say = (random: Random, forms: readonly string[], subject = ""): string =>
  random.pick(forms).replace("@", subject);

type Move = (board: PriceBoard, state: State, random: Random, language: Language) => State | Turn | undefined;

const neighbour: Move = (board, { form, cell }, random, language) => {
  const way = random.pick(directions);
  const place = { row: cell.row + way.row, column: cell.column + way.column };
  if (place.row < 1 || place.column < 1) return undefined;
  const question = say(random, neighbourForms[language], random.pick(way[language]));
  const next = board.cells.find((one) => one.row === place.row && one.column === place.column);
  if (!next?.kind) {
    const answer = next ? emptyPlace(place, language) : noPlace(place, language);
    return { type: "next-absent", language, question, answer, gold: absent };
  }
  const asked = placeForms.has(form) ? form : "offer";
  const found = { ...next, kind: next.kind };
  return { form: asked, cell: found, turn: { ...turnOf(asked, question, board, found, language), type: "next" } };
};

/** Another place or name in a few words, or in place of the one that was meant. */
const another =
  (forms: typeof shortForms | typeof corrections, type: string): Move =>
  (board, { form, cell }, random, language) => {
    const others = filledCells(board).filter((one) => one.row !== cell.row || one.column !== cell.column);
    if (others.length === 0) return undefined;
    const next = random.pick(others);
    const question = say(random, forms[language], subjectOf(form, next, random, language));
    return { form, cell: next, turn: { ...turnOf(form, question, board, next, language), type } };
  };

const rest: Move = (board, { form, cell }, random, language) => {
  const known = form === "kind" || placeForms.has(form);
  const asked = random.pick(
    (["kind", "price-of", "where"] as const).filter((one) => one !== form && !(known && one === "where")),
  );
  if (form !== "price" && asked === "kind") return undefined;
  if (form === "offer") return undefined;
  const question = say(random, rests[language][asked]!);
  return { form: asked, cell, turn: { ...turnOf(asked, question, board, cell, language), type: "rest" } };
};

const translate: Move = (board, { form, cell, turn }, random) => {
  const to = otherLanguage(turn.language);
  const question = say(random, inOther[turn.language]);
  const answer = stateCell(form, board, cell, to);
  return { form, cell, turn: { type: "in-other", language: to, question, answer, gold: goldOfCell(form, cell) } };
};

const doubt: Move = (board, { form, cell, turn }, random) => {
  const { language } = turn;
  const again = stateCell(form, board, cell, language);
  const answer = form === "any" ? again : language === "zh" ? `是的,${again}` : `Yes. ${again}`;
  return {
    form,
    cell,
    turn: { type: "sure", language, question: say(random, doubts[language]), answer, gold: goldOfCell(form, cell) },
  };
};

const thanks: Move = (_board, _state, random, language) => {
  const { questions, answer } = smallTalk[language].find((one) => /客气|welcome/.test(one.answer))!;
  return {
    type: "thanks",
    language,
    question: random.pick(questions),
    answer,
    gold: { kind: "free", value: [[answer]], not: [] },
  };
};

/** A question that needs nothing of what was said. */
export function askFresh(board: PriceBoard, random: Random, language: Language): State | Turn {
  const kind = random.weighted([
    ["cell", 8],
    ["family", 6],
    ["missing", 1.2],
    ["small", 1.2],
  ] as const);
  if (kind === "cell") {
    const asked = askCell(board, random, language);
    return { ...asked, turn: { ...asked.turn, question: asPeopleAsk(asked.turn.question, random, language) } };
  }
  let turn: Turn | undefined;
  if (kind === "missing") turn = askMissing(board, random, language);
  else if (kind === "small") {
    const draft = random.weighted([
      [askUnanswerable(board, random, language), 3],
      [askText(board, random, language), 1],
      [askUnusual(board, random, language), 1],
      [askAbility(random, language), 1],
    ]);
    turn = { ...draft, language };
  } else {
    const [question] = askAbout(board, random.integer(0, 2 ** 31), {
      count: 1,
      language,
      weights: { 1: 5, 2: 5, 3: 2, 4: 3, 5: 2, 6: 0.5, 7: 0.5 },
    });
    turn = question;
  }
  if (!turn) return askCell(board, random, language);
  return { ...turn, question: asPeopleAsk(turn.question, random, language) };
}

const isState = (made: State | Turn): made is State => "turn" in made;

/**
 * A conversation of `count` turns about a board with something on it; each turn's answer is right after those before it.
 * @example converse(board, createRandom(7), "en", 4).map(({ question }) => question)
 */
export function converse(board: PriceBoard, random: Random, language: Language, count: number): Turn[] {
  const turns: Turn[] = [];
  let state: State | undefined;
  let tongue = language;
  while (turns.length < count) {
    const move: Move | undefined =
      state &&
      random.weighted<Move | undefined>([
        [undefined, 7],
        [neighbour, 4],
        [another(shortForms, "another"), 5],
        [another(corrections, "correction"), 1.5],
        [rest, 3],
        [translate, 1.5],
        [doubt, 1],
        [thanks, turns.length === count - 1 ? 1 : 0],
      ]);
    const made = move ? move(board, state!, random, tongue) : askFresh(board, random, tongue);
    if (!made) continue;
    const turn = isState(made) ? made.turn : made;
    turns.push(turn);
    // What follows can only refer to a cell that the last turn spoke of.
    state = isState(made) ? made : undefined;
    tongue = random.chance(0.9) ? turn.language : otherLanguage(turn.language);
  }
  return turns;
}
