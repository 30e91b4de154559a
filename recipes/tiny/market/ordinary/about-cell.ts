/** @file A question about one cell in loose words, by its place or by what lies there. */

import { type FilledCell, filledCells, type PriceBoard } from "../board.ts";
import { kindOf, kinds } from "../kinds.ts";
import { askedName } from "../questions/find.ts";
import { askedPlace } from "../questions/one-cell.ts";
import { type CellForm, stateCell } from "../questions/statements.ts";
import type { Random } from "../random.ts";
import { type Language, nameOf, placeName } from "../words.ts";
import { looseQuestion } from "./other-words.ts";
import { goldOfCell, type Turn } from "./turn.ts";

export const placeForms: ReadonlySet<CellForm> = new Set<CellForm>(["offer", "kind", "price"]);

export const pickForm = (random: Random): CellForm =>
  random.weighted<CellForm>([
    ["offer", 5],
    ["kind", 2],
    ["price", 3],
    ["where", 2],
    ["price-of", 5],
    ["any", 2],
  ]);

/** How the cell is named in a question of this form. */
export const subjectOf = (form: CellForm, cell: FilledCell, random: Random, language: Language): string =>
  placeForms.has(form) ? askedPlace(cell, random, language) : askedName(kindOf(cell.kind), random, language);

/** The turn in which the cell is asked about with these words. */
export const turnOf = (
  form: CellForm,
  question: string,
  board: PriceBoard,
  cell: FilledCell,
  language: Language,
): Turn => ({
  type: form,
  language,
  question,
  answer: stateCell(form, board, cell, language),
  gold: goldOfCell(form, cell),
});

/** @param board one with something on it */
export function askCell(
  board: PriceBoard,
  random: Random,
  language: Language,
): { turn: Turn; cell: FilledCell; form: CellForm } {
  const form = pickForm(random);
  const cell = random.pick(filledCells(board));
  const question = looseQuestion(form, subjectOf(form, cell, random, language), random, language);
  return { form, cell, turn: turnOf(form, question, board, cell, language) };
}

/** About a kind that the board does not have, or a place beyond its edge. */
export function askMissing(board: PriceBoard, random: Random, language: Language): Turn {
  const form = pickForm(random);
  if (placeForms.has(form)) {
    const place = { row: board.rows + random.integer(1, 2), column: random.integer(1, board.columns) };
    const question = looseQuestion(form, askedPlace(place, random, language), random, language);
    return { type: `${form}-nowhere`, language, question, answer: noPlace(place, language), gold: absent };
  }
  const there = new Set(filledCells(board).map((cell) => cell.kind));
  const missing = random.pick(kinds.filter((kind) => !there.has(kind.id)));
  const question = looseQuestion(form, askedName(missing, random, language), random, language);
  const name = nameOf(missing, language);
  const answer = language === "zh" ? `没有,图中没有${name}。` : `No, there is no ${name} in the picture.`;
  return {
    type: `${form}-absent`,
    language,
    question,
    answer,
    gold: form === "any" ? { kind: "yesno", value: false } : absent,
  };
}

export const absent = { kind: "absent", value: null } as const;
type Place = { row: number; column: number };
export const noPlace = (place: Place, language: Language): string =>
  language === "zh" ? `图片中没有${placeName(place, "zh")}。` : `There is no ${placeName(place, "en")} in the picture.`;
export const emptyPlace = (place: Place, language: Language): string =>
  language === "zh"
    ? `图片中${placeName(place, "zh")}是空的,没有东西。`
    : `There is nothing in ${placeName(place, "en")}: it is empty.`;
