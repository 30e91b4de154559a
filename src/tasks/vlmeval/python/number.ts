/** @file Python's `float(text)`, `int(text)` and `repr(float)`: what they accept, and how they print. */
import { pyStrip } from "./text.ts";

const FLOAT = /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i;
const SPECIAL = /^([+-]?)(inf|infinity|nan)$/i;
const INT = /^[+-]?\d+(?:_\d+)*$/;
const DECIMAL_DIGIT = /\p{Nd}/u;

/** Decimal digits of any script become ASCII; Unicode keeps each script's ten digits side by side. */
function toAsciiDigits(text: string): string {
  if (!/[^\x20-\x7f]/.test(text)) return text;
  let out = "";
  for (const char of text) {
    if (char > "9" && DECIMAL_DIGIT.test(char)) {
      const code = char.codePointAt(0)!;
      let before = 0;
      while (DECIMAL_DIGIT.test(String.fromCodePoint(code - before - 1))) before++;
      out += String(before % 10);
    } else out += char;
  }
  return out;
}

/**
 * `float(text)`.
 * @returns the number, or null where Python raises ValueError
 * @example parsePyFloat(" 1_000 ") // 1000
 */
export function parsePyFloat(text: string): number | null {
  const trimmed = toAsciiDigits(pyStrip(text));
  if (FLOAT.test(trimmed)) return Number(trimmed.replaceAll("_", ""));
  const special = SPECIAL.exec(trimmed);
  if (!special) return null;
  if (special[2]!.toLowerCase() === "nan") return Number.NaN;
  return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/**
 * `int(text)`.
 * @returns the integer, or null where Python raises ValueError
 * @example parsePyInt("8.0") // null
 */
export function parsePyInt(text: string): bigint | null {
  const trimmed = toAsciiDigits(pyStrip(text));
  if (!INT.test(trimmed)) return null;
  const digits = trimmed.replaceAll("_", "");
  return digits.startsWith("-") ? -BigInt(digits.slice(1)) : BigInt(digits.replace("+", ""));
}

/**
 * `str.isdigit()`, restricted to decimal digits (for superscripts, which it also accepts, `int` would raise).
 * @example isDigits("12") // true
 */
export function isDigits(text: string): boolean {
  return /^\p{Nd}+$/u.test(text);
}

/**
 * `repr(float)`: integral floats keep `.0`, the exponent form starts at 1e16 and below 1e-4.
 * @example pyFloatRepr(12) // "12.0"
 */
export function pyFloatRepr(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e16 || size < 1e-4)) {
    const [digits, exponent] = value.toExponential().split("e") as [string, string];
    const sign = exponent[0] === "-" ? "-" : "+";
    return `${digits}e${sign}${exponent.slice(1).padStart(2, "0")}`;
  }
  const text = String(value);
  return text.includes(".") ? text : `${text}.0`;
}
