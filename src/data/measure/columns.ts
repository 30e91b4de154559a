/** @file Columns that are computed from rows and their pictures when an expression names them. */

/** Where a column's value comes from: the row's texts, the model's view of their size, pictures' pixels, or a model's opinion. */
type Source = "text" | "size" | "pictures" | "loss" | "mark";

const COLUMNS = {
  /** Why the row cannot be trained on: its form, or a picture that is missing or broken; null where nothing is wrong. */
  _fault: { type: "VARCHAR", source: "text" },
  _turns: { type: "UINTEGER", source: "text" },
  /** What is odd about the order of turns, or an empty one; null where nothing is. */
  _odd: { type: "VARCHAR", source: "text" },
  /** What the user's turns say, and what the assistant's do. */
  _question: { type: "VARCHAR", source: "text" },
  _answer: { type: "VARCHAR", source: "text" },
  /** ISO 639-1 of the texts together; empty where they are too short to tell. */
  _language: { type: "VARCHAR", source: "text" },
  _pictures: { type: "UINTEGER", source: "text" },
  _tokens: { type: "UINTEGER", source: "size" },
  _picture_tokens: { type: "UINTEGER", source: "size" },
  _answer_tokens: { type: "UINTEGER", source: "size" },
  _width: { type: "UINTEGER", source: "pictures" },
  _height: { type: "UINTEGER", source: "pictures" },
  _aspect: { type: "DOUBLE", source: "pictures" },
  _entropy: { type: "DOUBLE", source: "pictures" },
  _blur: { type: "DOUBLE", source: "pictures" },
  _loss: { type: "DOUBLE", source: "loss" },
  _mark: { type: "DOUBLE", source: "mark" },
} as const satisfies Readonly<Record<string, { readonly type: string; readonly source: Source }>>;

export type ComputedColumn = keyof typeof COLUMNS;

const NAMES = Object.keys(COLUMNS) as ComputedColumn[];

/** @example sourceOf("_blur") // "pictures" */
export const sourceOf = (column: ComputedColumn): Source => COLUMNS[column].source;
export const typeOf = (column: ComputedColumn): string => COLUMNS[column].type;

/**
 * The computed columns that expressions name, in a fixed order. A name inside of a text counts, too: it is computed for nothing.
 * @example computedIn(["_tokens < 500 AND _blur > 50"]) // ["_tokens", "_blur"]
 */
export const computedIn = (expressions: readonly string[]): ComputedColumn[] =>
  NAMES.filter((name) => expressions.some((text) => new RegExp(`(?<![\\w])${name}(?![\\w])`).test(text)));
