/** @file The type that pandas gives a column of texts, found cell by cell, and what a cell's text then becomes. */
import { pyFloatRepr } from "../python/number.ts";

/** `truth` is what pandas calls an object column that holds truths and gaps. */
export type ColumnType = "int64" | "float64" | "bool" | "truth" | "object";

const INT = /^[ \t]*[+-]?\d+[ \t]*$/;
const FLOAT = /^[ \t]*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[ \t]*$/;
const INFINITE = /^[ \t]*[+-]?(?:inf|infinity)[ \t]*$/i;
const BOOLEAN = /^(?:true|false)$/i;
const INT64_MAX = 2n ** 63n - 1n;

/** Watches a column's cells go by. */
export class ColumnTypeWatcher {
  #cells = 0;
  #missing = 0;
  #int = true;
  #float = true;
  #bool = true;

  /** @param text the cell, or null if it is missing */
  see(text: string | null): void {
    this.#cells++;
    if (text === null) {
      this.#missing++;
      return;
    }
    if (this.#int && !(INT.test(text) && fitsInt64(text))) this.#int = false;
    if (this.#float && !isFloat(text)) this.#float = false;
    if (this.#bool && !BOOLEAN.test(text)) this.#bool = false;
  }

  /** pandas' type: whole numbers with gaps are floats, truths with gaps stay truths. */
  type(): ColumnType {
    if (this.#missing === this.#cells) return this.#cells === 0 ? "object" : "float64";
    if (this.#int) return this.#missing === 0 ? "int64" : "float64";
    if (this.#float) return "float64";
    if (!this.#bool) return "object";
    return this.#missing === 0 ? "bool" : "truth";
  }
}

/** A literal that overflows stays text, as does an integer that no 64 bits hold. */
function isFloat(text: string): boolean {
  if (INFINITE.test(text)) return true;
  if (!FLOAT.test(text) || !Number.isFinite(Number(text))) return false;
  return !INT.test(text) || Math.abs(Number(text)) < 2 ** 64;
}

function fitsInt64(text: string): boolean {
  const digits = text.trim();
  if (digits.length < 18) return true;
  const value = BigInt(digits.replace("+", ""));
  return value <= INT64_MAX && value >= -INT64_MAX - 1n;
}

/**
 * What `str()` of the typed cell gives: the text that lands in prompts.
 * @example typedText("1.50", "float64") // "1.5"
 */
export function typedText(text: string | null, type: ColumnType): string | null {
  if (text === null || type === "object") return text;
  if (type === "bool" || type === "truth") return /^true$/i.test(text) ? "True" : "False";
  if (type === "int64") return String(BigInt(text.trim().replace(/^\+/, "")));
  const plain = text.trim();
  const infinite = /^([+-]?)inf/i.exec(plain);
  return pyFloatRepr(infinite ? (infinite[1] === "-" ? -Infinity : Infinity) : Number(plain));
}

/** The typed cell as a JavaScript value. */
export function typedValue(text: string | null, type: ColumnType): string | number | boolean | null {
  if (text === null || type === "object") return text;
  if (type === "bool" || type === "truth") return /^true$/i.test(text);
  const value = typedText(text, type)!;
  return value === "inf" ? Infinity : value === "-inf" ? -Infinity : Number(value);
}
