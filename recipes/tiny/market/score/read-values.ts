/** @file Reads prices, counts, kinds, places and yes or no out of normalised text. */

import { kinds } from "../kinds.ts";

const number = String.raw`(?<![\d.])-?\d+(?:\.\d+)?(?![\d]|\.\d)`;
const units = "斤|公斤|千克|kg|lb|磅|jin|pound";
const chineseDigits = "零一二三四五六七八九";
const englishNumbers =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split(" ");
const englishOrdinals = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth".split(" ");

const distinct = <T>(items: T[]): T[] => [...new Set(items)];

/** All different prices in a text, in hundredths. Numbers with a currency win over bare ones; amounts of goods are no prices. */
export function readPrices(text: string): number[] {
  const plain = text.replace(/(\d),(?=\d{3}(?!\d))/g, "$1");
  const cents = (value: string) => Math.round(Number(value) * 1e6) / 1e4;
  const coins = [...plain.matchAll(/(\d+)\s*块\s*(\d)(?!\d|\.)/g)].map((match) => cents(`${match[1]}.${match[2]}`));
  if (coins.length > 0) return distinct(coins);
  const marked = [
    ...plain.matchAll(new RegExp(`[¥$]\\s*(${number})|(${number})\\s*(?:元|块|美元|yuan|rmb|dollar)`, "g")),
  ];
  if (marked.length > 0) return distinct(marked.map((match) => cents(match[1] ?? match[2]!)));
  const bare = plain.replace(/第\s*\d+\s*[行列排个]/g, " ").replace(/(?:row|column)\s*\d+/g, " ");
  return distinct(
    [...bare.matchAll(new RegExp(`(${number})(?!\\s*(?:${units}))`, "g"))].map((match) => cents(match[1]!)),
  );
}

const names = new Map<string, string>();
for (const kind of kinds) {
  for (const name of [...kind.zh, ...kind.en, kind.plural]) names.set(name.toLowerCase(), kind.id);
  for (const name of kind.en)
    for (const plural of [`${name}s`, `${name}es`]) if (!names.has(plural)) names.set(plural, kind.id);
}
// Longest first, so that "青苹果" is not read as "苹果" nor "sweet potato" as "potato".
const byLength = [...names.keys()].sort((a, b) => b.length - a.length);
const namePattern = new RegExp(
  byLength.map((name) => (/^[a-z]/.test(name) ? `(?<![a-z])${name}(?![a-z])` : name)).join("|"),
  "g",
);

/** Ids of the kinds that a text names, in order; every mention counts. */
export function readKinds(text: string): string[] {
  return [...text.matchAll(namePattern)].map((match) => names.get(match[0])!);
}

/** 0 to 99 written in Chinese, or undefined. */
function fromChinese(text: string): number | undefined {
  const match = text.replaceAll("两", "二").match(/^(?:([一二三四五六七八九])?(十))?([零一二三四五六七八九])?$/);
  if (!match?.[0]) return undefined;
  const tens = match[2] ? (match[1] ? chineseDigits.indexOf(match[1]) : 1) : 0;
  return tens * 10 + (match[3] ? chineseDigits.indexOf(match[3]) : 0);
}

/** All different counts in a text: digits, else Chinese numerals before a measure word or alone, else English words. */
export function readCounts(text: string): number[] {
  const bare = text
    .replace(/第\s*[\d一二三四五六七八九十]+\s*[行列排个]/g, " ")
    .replace(/(?:row|column)s?\s*(?:\d+|one|two|three|four|five)/g, " ");
  const digits = [...bare.matchAll(new RegExp(number, "g"))].map((match) => Number(match[0]));
  if (digits.length > 0) return distinct(digits);
  const alone = fromChinese(bare.replace(/[*。.\s]/g, ""));
  if (alone !== undefined) return [alone];
  const measured = [...bare.matchAll(/([零一二两三四五六七八九十]+)\s*[种个样行列排格]/g)].map((match) =>
    fromChinese(match[1]!),
  );
  const found = measured.filter((value) => value !== undefined);
  if (found.length > 0) return distinct(found);
  return distinct(
    [...bare.matchAll(/[a-z]+/g)].map((match) => englishNumbers.indexOf(match[0])).filter((value) => value >= 0),
  );
}

/** All different places in a text as "row,column". */
export function readPlaces(text: string): string[] {
  const numeral = "([\\d一二三四五六七八九十]+)";
  const value = (word: string) => (/^\d+$/.test(word) ? Number(word) : (fromChinese(word) ?? Number.NaN));
  const chinese = [...text.matchAll(new RegExp(`第?${numeral}[行排]\\s*的?[,、]?\\s*第?${numeral}[列个]`, "g"))];
  const english = [
    ...text.matchAll(/row\s*(\d+)\s*,?\s*(?:and\s*)?column\s*(\d+)/g),
    ...text.matchAll(/\((\d+)\s*,\s*(\d+)\)/g),
  ];
  const ordinal = `(${englishOrdinals.join("|")})`;
  const words = [...text.matchAll(new RegExp(`${ordinal} row,?(?: and)?(?: the)? ${ordinal} column`, "g"))];
  return distinct([
    ...[...chinese, ...english].map((match) => `${value(match[1]!)},${value(match[2]!)}`),
    ...words.map((match) => `${englishOrdinals.indexOf(match[1]!)},${englishOrdinals.indexOf(match[2]!)}`),
  ]);
}

/** Yes or no as the beginning of the text says it, else as a denial inside says it; undefined when neither is there. */
export function readYesNo(text: string): boolean | undefined {
  const start = text.replace(/^[*"'\s]+/, "");
  const no = /^(?:不|没|否|无|no\b|not\b|false\b|it is not|it isn't|there is no|there are no)/.test(start);
  const yes = /^(?:是|有|对|可以|能|yes\b|yeah\b|true\b|correct\b|there is|there are)/.test(start);
  // "是不是" repeats the question, and "yes no" says both.
  const both = ["是不是", "有没有", "yes{}no\\b", "no{}yes\\b", "是{}(?:不是|否)", "不是{}是", "有{}没有", "没有{}有"];
  if (new RegExp(`^(?:${both.join("|").replaceAll("{}", "[\\s,.;、/。]*")})`).test(start)) return undefined;
  if (no) return false;
  if (yes) return true;
  return isDenial(text) ? false : undefined;
}

/** True if the text says that something can't be seen or isn't there. */
export function isDenial(text: string): boolean {
  return (
    /没有|看不到|看不出|看不清|不是|无法|不知道|空的|空着|不存在|不在图/.test(text) ||
    /\b(?:no|not|isn't|can't|cannot|don't|doesn't|empty|nothing|none|unable)\b/.test(text)
  );
}
