/** @file One question and its answer, as part of a conversation. */

import type { FilledCell, PriceBoard } from "../board.ts";
import type { Gold, Question } from "../questions/question.ts";
import type { CellForm } from "../questions/statements.ts";
import type { Language } from "../words.ts";

/** Like a question of a family, and sometimes with a JSON schema that its answer fits. */
export interface Turn extends Omit<Question, "family"> {
  schema?: Readonly<Record<string, unknown>>;
}

/** What the answer to a question of this form about this cell must say. */
export function goldOfCell(form: CellForm, { kind, cents, row, column }: FilledCell): Gold {
  switch (form) {
    case "offer":
      return { kind: "offer", value: { kind, cents } };
    case "kind":
      return { kind: "kind", value: kind };
    case "where":
      return { kind: "place", value: { row, column } };
    case "any":
      return { kind: "yesno", value: true };
    default:
      return { kind: "price", value: cents };
  }
}

/** A board with something on it. */
export const hasGoods = (board: { scene: string; cells?: readonly { kind: string | null }[] }): board is PriceBoard =>
  board.scene === "board" && board.cells!.some((cell) => cell.kind !== null);

/** The other of the two languages. */
export const otherLanguage = (language: Language): Language => (language === "zh" ? "en" : "zh");
