/** @file What is said of one cell: the sentences that answers about places and names are made of. */

import type { FilledCell, PriceBoard } from "../board.ts";
import { kindOf } from "../kinds.ts";
import { type Language, nameOf, placeName, priceOf, unitPhrase } from "../words.ts";

/** What is asked about a cell: by its place, or by what lies there. */
export type CellForm = "offer" | "kind" | "price" | "where" | "price-of" | "any";

type Say = (board: PriceBoard, cell: FilledCell, language: Language) => string;

const nounOf = (cell: FilledCell, language: Language): string => {
  const { group } = kindOf(cell.kind);
  return language === "en" ? group : group === "fruit" ? "水果" : "蔬菜";
};

const statements: Readonly<Record<CellForm, Say>> = {
  offer(board, cell, language) {
    const [name, price, place] = [nameOf(cell.kind, language), priceOf(board, cell), placeName(cell, language)];
    const [noun, unit] = [nounOf(cell, language), unitPhrase(board, language)];
    return language === "zh"
      ? `图片中${place}的${noun}是**${name}**,买${unit}的价格是**${price}**。`
      : `The ${noun} in ${place} is **${name}**, and the price ${unit} is **${price}**.`;
  },
  kind(_board, cell, language) {
    const [name, place, noun] = [nameOf(cell.kind, language), placeName(cell, language), nounOf(cell, language)];
    return language === "zh" ? `图片中${place}的${noun}是**${name}**。` : `The ${noun} in ${place} is **${name}**.`;
  },
  price(board, cell, language) {
    const [place, unit, price] = [placeName(cell, language), unitPhrase(board, language), priceOf(board, cell)];
    return language === "zh"
      ? `${place}买${unit}的价格是**${price}**。`
      : `The price ${unit} in ${place} is **${price}**.`;
  },
  where(_board, cell, language) {
    const [name, place] = [nameOf(cell.kind, language), placeName(cell, language)];
    return language === "zh" ? `${name}在**${place}**。` : `The ${name} is in **${place}**.`;
  },
  "price-of"(board, cell, language) {
    const [name, unit, price] = [nameOf(cell.kind, language), unitPhrase(board, language), priceOf(board, cell)];
    return language === "zh"
      ? `${name}买${unit}的价格是**${price}**。`
      : `The price of ${name} ${unit} is **${price}**.`;
  },
  any(board, cell, language) {
    const [name, place, price] = [nameOf(cell.kind, language), placeName(cell, language), priceOf(board, cell)];
    return language === "zh"
      ? `有,${name}在${place},价格是**${price}**。`
      : `Yes, the ${name} is in ${place}, at **${price}**.`;
  },
};

/** The answer to a question of this form about this cell. @example stateCell("price", board, cell, "en") */
export const stateCell = (form: CellForm, board: PriceBoard, cell: FilledCell, language: Language): string =>
  statements[form](board, cell, language);
