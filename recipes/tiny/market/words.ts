/** @file The words that questions and answers share: numbers, places, prices and names in both languages. */

import type { Cell, FilledCell, PriceBoard } from "./board.ts";
import { type Kind, kindOf } from "./kinds.ts";

export type Language = "zh" | "en";

const chineseDigits = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十"];
const ordinals = ["zeroth", "first", "second", "third", "fourth", "fifth"];

/** 1 to 99 in Chinese: 15 → "十五". */
export function chineseNumber(n: number): string {
  if (n <= 10) return chineseDigits[n]!;
  const [tens, ones] = [Math.floor(n / 10), n % 10];
  return `${tens > 1 ? chineseDigits[tens] : ""}十${ones ? chineseDigits[ones] : ""}`;
}

/** "first" … "fifth". */
export const englishOrdinal = (n: number) => ordinals[n] ?? `${n}th`;

/** A place as answers write it: "第一行第二列", "row 1, column 2". */
export function placeName(place: { row: number; column: number }, language: Language): string {
  if (language === "zh") return `第${chineseNumber(place.row)}行第${chineseNumber(place.column)}列`;
  return `row ${place.row}, column ${place.column}`;
}

/** A price as answers write it: the currency and the digits that stand on the tag. */
export const priceOf = (board: PriceBoard, cell: Cell) => `${board.currency}${cell.price}`;

/** An amount of hundredths without needless zeros: 1050 → "10.5". */
export function amount(cents: number): string {
  return String(Math.round(cents) / 100);
}

const chineseMoney: Readonly<Record<string, string>> = { "¥": "元", "": "元", $: "美元", "€": "欧元", "£": "英镑" };

/** An amount in a question in Chinese: "50元", "20美元". */
export const chineseAmount = ({ currency }: PriceBoard, text: string): string =>
  Object.hasOwn(chineseMoney, currency) ? `${text}${chineseMoney[currency]}` : `${currency}${text}`;

/** The name that answers use. */
export function nameOf(kind: Kind | string, language: Language): string {
  const found = typeof kind === "string" ? kindOf(kind) : kind;
  return found[language][0];
}

/** "the price of one 斤" as a noun phrase, per unit of the board. */
export function unitPhrase(board: PriceBoard, language: Language): string {
  if (language === "zh") return { 斤: "一斤", 公斤: "一公斤", kg: "一公斤", lb: "一磅" }[board.unit];
  return { 斤: "per jin", 公斤: "per kg", kg: "per kg", lb: "per lb" }[board.unit];
}

/** What stands between two words. */
export const gap = (language: Language): string => (language === "zh" ? "" : " ");

/** What a chain says of a cell that it reads: "苹果6.2", "apple 6.2". */
export const readingOf = (cell: FilledCell, language: Language): string =>
  `${nameOf(cell.kind, language)}${gap(language)}${cell.price}`;
