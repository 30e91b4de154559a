/** @file Questions whose answer is JSON, with a schema that it fits, written as compactly as the grammar of constrained answers writes it. */

import { type FilledCell, filledCells, type PriceBoard } from "../board.ts";
import { kinds } from "../kinds.ts";
import { askedPlace } from "../questions/one-cell.ts";
import type { Random } from "../random.ts";
import { type Language, nameOf, priceOf } from "../words.ts";
import type { Turn } from "./turn.ts";

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type Schema = Record<string, unknown>;

/** What a field holds. */
type Field = "name" | "price" | "priceText" | "row" | "column" | "currency" | "choice" | "available";

/** Names of keys, the usual one first. */
const keys: Readonly<Record<Language, Readonly<Record<Field, readonly string[]>>>> = {
  en: {
    name: ["name", "name", "name", "item", "product", "kind", "goods", "title"],
    price: ["price", "price", "price", "cost", "amount", "unit_price", "unitPrice", "value"],
    priceText: ["price", "price", "price_text", "cost", "tag"],
    row: ["row", "row", "row", "row_number", "line"],
    column: ["column", "column", "column", "col", "column_number"],
    currency: ["currency", "currency", "currency_code"],
    choice: ["name", "kind", "category", "item", "type"],
    available: ["available", "in_stock", "found", "sold", "exists"],
  },
  zh: {
    name: ["名称", "名称", "品名", "商品", "名字"],
    price: ["价格", "价格", "单价", "价钱", "金额"],
    priceText: ["价格", "标价", "单价"],
    row: ["行", "行", "行号"],
    column: ["列", "列", "列号"],
    currency: ["货币", "币种"],
    choice: ["名称", "品种", "商品", "类别"],
    available: ["有货", "存在", "在售"],
  },
};
const currencyCodes: Readonly<Record<string, string>> = { "¥": "CNY", $: "USD", "€": "EUR", "£": "GBP" };

const wholeBoard: Readonly<Record<Language, readonly string[]>> = {
  en: [
    "Read the data in this picture as JSON.",
    "Read the data in this picture as JSON.",
    "Extract all items and prices as JSON.",
    "Return the board as JSON.",
    "Give me a JSON list of what is sold.",
    "extract the data",
    "Convert this picture to JSON.",
    "List every item as structured data.",
    "Fill in the JSON from the picture.",
    "Output JSON only.",
    "What is on the board? Answer in JSON.",
    "parse this",
  ],
  zh: [
    "把图中的数据读成JSON。",
    "用JSON列出所有商品和价格",
    "提取图片里的数据,输出JSON",
    "请以JSON格式返回这张价目牌",
    "识别并输出JSON",
    "把价目牌转成JSON",
    "按照格式提取所有内容",
    "只输出JSON",
  ],
};
/** About one cell; "@" is its place or name. */
const oneCell: Readonly<Record<Language, readonly string[]>> = {
  en: [
    "What is in @? Answer as JSON.",
    "Read @ as JSON.",
    "Give me the data of @ in JSON.",
    "@ as JSON",
    "Return a JSON object for @.",
    "Extract @.",
    "JSON for @ please",
  ],
  zh: ["用JSON回答:@是什么,多少钱?", "把@读成JSON", "@的数据,JSON格式", "提取@", "请返回@的JSON对象", "以JSON说出@"],
};
const schemaIntros: Readonly<Record<Language, readonly string[]>> = {
  en: ["Schema: ", "Use this JSON schema: ", "It must match this schema:\n", "The schema is ", "JSON schema:\n", ""],
  zh: ["格式:", "请按这个JSON schema:", "JSON schema:\n", "必须符合:", "结构如下:\n", ""],
};

/** The schema of a field, and its value for a cell. */
function fieldOf(
  field: Field,
  cell: FilledCell,
  board: PriceBoard,
  language: Language,
  choices: readonly string[],
): { schema: Schema; value: Json } {
  switch (field) {
    case "name":
      return { schema: { type: "string" }, value: nameOf(cell.kind, language) };
    case "choice":
      return { schema: { type: "string", enum: [...choices] }, value: nameOf(cell.kind, language) };
    case "price":
      return { schema: { type: "number" }, value: cell.cents / 100 };
    case "priceText":
      return { schema: { type: "string" }, value: priceOf(board, cell) };
    case "row":
      return { schema: { type: "integer" }, value: cell.row };
    case "column":
      return { schema: { type: "integer" }, value: cell.column };
    case "currency": {
      const code = currencyCodes[board.currency] ?? board.currency;
      return { schema: { type: "string", enum: [...new Set([...Object.values(currencyCodes), code])] }, value: code };
    }
    case "available":
      return { schema: { type: "boolean" }, value: true };
  }
}

/** Fields in the order in which they are asked for. */
function pickFields(board: PriceBoard, random: Random, single: boolean): Field[] {
  const price: Field = random.chance(0.8) ? "price" : "priceText";
  const fields = random.weighted<Field[]>([
    [["name", price, "row", "column"], 5],
    [["name", price], 5],
    [["row", "column", "name", price], 2],
    [["name", "row", "column"], 1],
    [[price, "name"], 1],
    [["choice", price], single ? 2 : 0.3],
    [["name", price, "currency"], currencyCodes[board.currency] ? 1 : 0],
    [["available", price], single ? 1 : 0],
  ]);
  return fields;
}

/** A schema of an object with these members, with or without what generators of schemas add. */
function objectSchema(properties: Schema, random: Random): Schema {
  const required = random.chance(0.7) && { required: Object.keys(properties) };
  return {
    type: "object",
    properties,
    ...required,
    ...(random.chance(0.4) && { additionalProperties: false }),
  };
}

/**
 * A question whose answer is JSON. Sometimes the schema stands in the question, sometimes only its keys, sometimes neither: then the
 * grammar alone says what comes.
 * @param board one with something on it
 * @param most cells that an answer may list
 * @param always say the schema in any case
 */
export function askForJson(
  board: PriceBoard,
  random: Random,
  language: Language,
  most = 15,
  always = false,
): Turn | undefined {
  const keyLanguage: Language = language === "zh" && random.chance(0.5) ? "zh" : "en";
  const cells = filledCells(board);
  const shape = random.weighted([
    ["list", 5],
    ["wrapped", 3],
    ["object", 4],
    ["names", 0.7],
    ["prices", 0.7],
  ] as const);
  const single = shape === "object";
  if (!single && cells.length > most) return undefined;
  const fields = pickFields(board, random, single);
  const usual = random.chance(0.6);
  const keyOf = new Map(
    fields.map((field) => [field, usual ? keys[keyLanguage][field][0]! : random.pick(keys[keyLanguage][field])]),
  );
  const cell = random.pick(cells);
  const choices = random
    .sample([...new Set([...cells.map(({ kind }) => kind), ...random.sample(kinds, 4).map(({ id }) => id)])])
    .map((kind) => nameOf(kind, language));
  const object = (one: FilledCell): { [key: string]: Json } =>
    Object.fromEntries(fields.map((field) => [keyOf.get(field)!, fieldOf(field, one, board, language, choices).value]));
  const properties = Object.fromEntries(
    fields.map((field) => [keyOf.get(field)!, fieldOf(field, cell, board, language, choices).schema]),
  );
  const list = (items: Schema): Schema => ({ type: "array", items });
  let schema: Schema;
  let value: Json;
  let subject = "";
  switch (shape) {
    case "object":
      schema = objectSchema(properties, random);
      value = object(cell);
      subject =
        fields.includes("available") || random.chance(0.4)
          ? nameOf(cell.kind, language)
          : askedPlace(cell, random, language);
      break;
    case "list":
      schema = list(objectSchema(properties, random));
      value = cells.map(object);
      break;
    case "wrapped": {
      const key =
        keyLanguage === "zh"
          ? random.pick(["商品", "列表"])
          : random.pick(["items", "items", "goods", "products", "data"]);
      schema = objectSchema({ [key]: list(objectSchema(properties, random)) }, random);
      value = { [key]: cells.map(object) };
      break;
    }
    case "names":
      schema = list({ type: "string" });
      value = cells.map(({ kind }) => nameOf(kind, language));
      break;
    case "prices":
      schema = list({ type: "number" });
      value = cells.map(({ cents }) => cents / 100);
      break;
  }
  const request = random.pick(single ? oneCell[language] : wholeBoard[language]).replace("@", subject);
  const told = always
    ? "schema"
    : random.weighted([
        ["schema", 5],
        ["keys", 1.5],
        ["nothing", 3],
      ] as const);
  const names = fields.map((field) => keyOf.get(field)!).join(", ");
  let question = request;
  if (told === "schema") {
    const text = random.chance(0.75) ? JSON.stringify(schema) : JSON.stringify(schema, null, 1);
    question = random.chance(0.85)
      ? `${request}${random.pick([" ", "\n"])}${random.pick(schemaIntros[language])}${text}`
      : `${text}\n${request}`;
  } else if (told === "keys" && !["names", "prices"].includes(shape)) {
    question = language === "zh" ? `${request} 字段:${names}` : `${request} Keys: ${names}`;
  }
  const answer = JSON.stringify(value);
  return { type: `json-${shape}`, language, question, answer, gold: { kind: "json", value }, schema };
}
