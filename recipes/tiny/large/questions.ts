/** @file Questions about the cells of a large board: by their place, and by name where a name is there once. */

import {
  type FilledCell,
  filledCells,
  type Language,
  looseQuestion,
  type PriceBoard,
  pickForm,
  placeForms,
  type Random,
  subjectOf,
  type Turn,
  turnOf,
} from "../market/index.ts";

/** A question about one cell. */
export interface CellQuestion extends Turn {
  readonly cell: FilledCell;
  /** Whether the cell is named by its row and column. */
  readonly byPlace: boolean;
}

/** Kinds that the board has once. */
export function uniqueKinds(board: PriceBoard): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const { kind } of filledCells(board)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return new Set([...counts].filter(([, count]) => count === 1).map(([kind]) => kind));
}

/** A question about this cell; by its place where others of its kind are on the board. */
export function askAboutCell(board: PriceBoard, cell: FilledCell, random: Random, language: Language): CellQuestion {
  let form = pickForm(random);
  if (!placeForms.has(form) && !uniqueKinds(board).has(cell.kind)) form = "offer";
  const question = looseQuestion(form, subjectOf(form, cell, random, language), random, language);
  return { ...turnOf(form, question, board, cell, language), cell, byPlace: placeForms.has(form) };
}

/** So many questions, about different cells as long as there are any. */
export function askAboutCells(board: PriceBoard, random: Random, count: number): CellQuestion[] {
  const cells = random.sample(filledCells(board), count);
  return cells.map((cell) => askAboutCell(board, cell, random, random.pick(["zh", "en"] as const)));
}
