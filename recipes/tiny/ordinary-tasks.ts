/** @file Test sets of ordinary asking, as tasks: pictures anywhere in the turn, several turns, JSON, cells alone, other pictures, refusals. */

import type { Message } from "flashvl/processor";
import type { Score, Task } from "flashvl/tasks";
import {
  askAbout,
  askCell,
  askForJson,
  askMissing,
  asPeopleAsk,
  type Board,
  converse,
  createRandom,
  drawBoards,
  filledCells,
  finalPart,
  type Gold,
  hasGoods,
  isDenial,
  type Language,
  type Placing,
  type PriceBoard,
  type SeededBoard,
  type Split,
  scoreAnswer,
  seedRanges,
  type Turn,
  toMessages,
  withPictures,
} from "./market/index.ts";

/** One question with all that was said before it. */
export interface OrdinaryRow {
  id: string;
  /** What the set's part is called in its report. */
  family: string;
  language: Language;
  question: string;
  /** The answer that training teaches. */
  answer: string;
  messages: Message[];
  gold: Gold;
  schema?: Readonly<Record<string, unknown>>;
}

type Made = Omit<OrdinaryRow, "id">;

/** Streams of random numbers, one for each set. */
const [PLACED, TURNS, JSON_SET, CELLS, REFUSALS, OTHERS] = [201, 202, 203, 204, 205, 206];

/** Rows about the pictures of a split, made picture by picture. */
export function ordinaryTask(
  name: string,
  { split, pictures, from = 0, scene }: { split: Split; pictures: number; from?: number; scene?: Board["scene"] },
  make: (drawn: SeededBoard) => Iterable<Made>,
  score: (row: OrdinaryRow, answer: string) => Score = (row, answer) => scoreAnswer(row.gold, answer),
): Task<OrdinaryRow> {
  const first = seedRanges[split].first + from;
  return {
    name,
    async *rows() {
      const seeds = Array.from({ length: pictures }, (_, i) => first + i);
      for await (const drawn of drawBoards({ seeds, split, scene })) {
        let number = 0;
        for (const made of make(drawn)) yield { ...made, id: `${drawn.seed}-${number++}` };
      }
    },
    prompt: ({ messages }) => ({ images: [], messages }),
    score,
  };
}

const languageOf = (seed: number): Language => (seed % 2 === 0 ? "zh" : "en");

/** A conversation that ends with the question of its last turn. */
function asked(
  drawn: SeededBoard,
  turns: readonly Turn[],
  placing: Placing,
  family: string,
  random = createRandom(drawn.seed, PLACED),
): Made {
  const turn = turns.at(-1)!;
  const { language, question, answer, gold, schema } = turn;
  const first = (text: string) => withPictures([drawn.image], text, placing, random, turns[0]!.language);
  const messages = toMessages(turns, first).slice(0, -1);
  return { family, language, question, answer, messages, gold, ...(schema && { schema }) };
}

/** The families' questions of the test split, as the first set asks them, with the picture somewhere else. */
export const placed = (placing: Placing, pictures = 150) =>
  ordinaryTask(`ordinary/picture-${placing}`, { split: "test", pictures }, function* (drawn) {
    for (const family of [1, 2, 3, 4, 5, 6, 7] as const)
      for (const turn of askAbout(drawn.board, drawn.seed, { families: [family], count: 1 }))
        yield asked(drawn, [turn], placing, String(family));
  });

/** Conversations of six turns, each turn asked after the right answers to those before it. */
export const turns = (pictures = 60) =>
  ordinaryTask("ordinary/turns", { split: "wide-test", pictures, scene: "board" }, function* (drawn) {
    const random = createRandom(drawn.seed, TURNS);
    if (!hasGoods(drawn.board)) return;
    const all = converse(drawn.board, random, languageOf(drawn.seed), 6);
    for (const [i] of all.entries())
      yield asked(drawn, all.slice(0, i + 1), "before", i === 0 ? "turn 1" : "turns 2 to 6");
  });

/** Whole boards and single cells as JSON, by a schema that stands in the question. */
export const json = (pictures = 200) =>
  ordinaryTask("ordinary/json", { split: "wide-test", pictures, from: 2000, scene: "board" }, function* (drawn) {
    const random = createRandom(drawn.seed, JSON_SET);
    const turn = hasGoods(drawn.board) && askForJson(drawn.board, random, languageOf(drawn.seed), 15, true);
    if (turn) yield asked(drawn, [turn], random.chance(0.5) ? "before" : "after", turn.type);
  });

/** Prices alone and kinds alone, by place, two of each per picture. */
export const cells = (split: Split, pictures = 100) =>
  ordinaryTask(`ordinary/cells/${split}`, { split, pictures, from: 4000, scene: "board" }, function* (drawn) {
    const random = createRandom(drawn.seed, CELLS);
    if (!hasGoods(drawn.board)) return;
    const language = languageOf(drawn.seed);
    for (const cell of random.sample(filledCells(drawn.board), 2))
      for (const type of ["price", "kind"] as const) {
        const place =
          language === "zh" ? `第${cell.row}行第${cell.column}列` : `row ${cell.row}, column ${cell.column}`;
        const question = {
          price: { zh: `${place}多少钱?`, en: `What is the price in ${place}?` },
          kind: { zh: `${place}是什么?`, en: `What is in ${place}?` },
        }[type][language];
        const gold: Gold = type === "price" ? { kind: "price", value: cell.cents } : { kind: "kind", value: cell.kind };
        const turn: Turn = { type, language, question, answer: type === "price" ? cell.price : cell.kind, gold };
        yield asked(drawn, [turn], "before", `${type}s`);
      }
  });

const boardQuestions = {
  zh: ["这是一张价目牌吗?", "图里是菜价牌吗"],
  en: ["Is this a price board?", "does this show a board with prices?"],
} as const;

/** Boards and other pictures, told apart; and prices asked of pictures that have none. */
export const others = (scene: Board["scene"], pictures = 60) =>
  ordinaryTask(`ordinary/others/${scene}`, { split: "test", pictures, from: 6000, scene }, function* (drawn) {
    const random = createRandom(drawn.seed, OTHERS);
    const language = languageOf(drawn.seed);
    const isBoard = drawn.board.scene === "board";
    const question = asPeopleAsk(random.pick(boardQuestions[language]), random, language);
    const turn: Turn = { type: "is-board", language, question, answer: "", gold: { kind: "yesno", value: isBoard } };
    yield asked(drawn, [turn], "before", "told apart");
    if (isBoard) return;
    const [price] = askAbout(drawn.board, drawn.seed, { families: [7], count: 30, language }).filter(
      ({ type }) => type === "not-a-board",
    );
    if (price) yield asked(drawn, [price], "before", "told apart");
  });

/** What the board does not have: kinds and places in loose words. */
export const missing = (pictures = 60) =>
  ordinaryTask("ordinary/missing", { split: "wide-test", pictures, from: 8000, scene: "board" }, function* (drawn) {
    if (!hasGoods(drawn.board)) return;
    const random = createRandom(drawn.seed, REFUSALS);
    yield asked(drawn, [askMissing(drawn.board, random, languageOf(drawn.seed))], "before", "missing");
  });

/** Whether an answer says that there is no answer. */
const refuses = (row: OrdinaryRow, answer: string): Score => {
  const refused = isDenial(finalPart(answer)) && !scoreAnswer(row.gold, answer).correct;
  return { correct: refused, value: Number(refused), detail: answer.slice(0, 80) };
};

/** What can be answered: counts the answers that refuse. */
export const refusedRight = (pictures = 100) =>
  ordinaryTask(
    "ordinary/refused-right",
    { split: "wide-test", pictures, from: 9000, scene: "board" },
    function* (drawn) {
      if (!hasGoods(drawn.board)) return;
      const random = createRandom(drawn.seed, REFUSALS);
      for (let i = 0; i < 2; i++)
        yield asked(
          drawn,
          [askCell(drawn.board as PriceBoard, random, languageOf(drawn.seed)).turn],
          "before",
          "refused",
        );
    },
    refuses,
  );
