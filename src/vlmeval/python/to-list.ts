/** @file A cell that may hold one text or a Python list of texts, as a list. */
import { PythonError } from "./errors.ts";
import { type PyValue, parsePyLiteral, pyStr } from "./literal.ts";

/**
 * VLMEvalKit's `toliststr`: `"['a', 'b']"` becomes two texts, anything else one.
 * @throws PythonError if the text looks like a list and is not a literal, as the original would
 * @example toListOfTexts("[1, 2]") // ["1", "2"]
 */
export function toListOfTexts(cell: string): string[] {
  if (!(cell.length > 1 && cell.startsWith("[") && cell.endsWith("]"))) return [cell];
  return literalItems(parsePyLiteral(cell)).map(pyStr);
}

/** The members of a list, tuple, set or dict. @throws PythonError TypeError if the value has none */
export function literalItems(value: PyValue): PyValue[] {
  if (typeof value === "string") return [...value];
  if (value instanceof Map) return [...value.keys()];
  if (value !== null && typeof value === "object") return value.items;
  throw new PythonError("TypeError", "the value has no members");
}

/**
 * The members of a cell that holds a Python list.
 * @example listItems("['3', '4']") // ["3", "4"]
 */
export function listItems(cell: string): string[] {
  return literalItems(parsePyLiteral(cell)).map(pyStr);
}
