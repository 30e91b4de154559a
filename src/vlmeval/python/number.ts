/** @file Python's `float(text)`, `int(text)` and `repr(float)`: what they accept, and how they print; and `"{:.2%}"`. */
import { PY_SPACE } from "./text.ts";

/** Longer texts are no numbers of any data set. */
const MAX_NUMBER = 5000;
const FLOAT = /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i;
const SPECIAL = /^([+-]?)(inf|infinity|nan)$/i;
const INT = /^[+-]?\d+(?:_\d+)*$/;
const DECIMAL_DIGIT = /\p{Nd}/u;

// The number parsers strip C's white space and Unicode's, but not the separators U+001C to U+001F that `str.strip` takes.
const NUMBER_SPACE = PY_SPACE.replace("\\x1c-\\x20", "\\x20");
const OUTER_SPACE = new RegExp(`^[${NUMBER_SPACE}]+|[${NUMBER_SPACE}]+$`, "g");

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

/** A number is short; trimming megabytes of inner spaces by a regular expression would take quadratic time. */
function trimNumber(text: string): string {
  return text.length > MAX_NUMBER ? "" : text.replace(OUTER_SPACE, "");
}

/**
 * `float(text)`.
 * @returns the number, or null where Python raises ValueError
 * @example parsePyFloat(" 1_000 ") // 1000
 */
export function parsePyFloat(text: string): number | null {
  const trimmed = toAsciiDigits(trimNumber(text));
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
  const trimmed = toAsciiDigits(trimNumber(text));
  if (!INT.test(trimmed)) return null;
  const digits = trimmed.replaceAll("_", "");
  return digits.startsWith("-") ? -BigInt(digits.slice(1)) : BigInt(digits.replace("+", ""));
}

/**
 * `str.isdigit()`: digits of any script, and superscripts, subscripts and circled digits, which `float` refuses.
 * @example isDigits("12") // true
 */
export function isDigits(text: string): boolean {
  return /^[\p{Nd}¹²³⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐]+$/u.test(text);
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

/**
 * @param share the value before multiplication by 100; NaN prints as `nan%`
 * @example formatPercent(0.00125) // "0.12%", where toFixed would say 0.13
 */
export function formatPercent(share: number): string {
  const value = share * 100;
  if (Number.isNaN(value)) return "nan%";
  if (!Number.isFinite(value)) return value > 0 ? "inf%" : "-inf%";
  // Only odd multiples of 1/8 lie exactly between two hundredths in binary.
  const isTie = Number.isInteger(value * 8) && !Number.isInteger(value * 4);
  if (!isTie) return `${value.toFixed(2)}%`;
  const below = Math.floor(value * 100);
  const even = below % 2 === 0 ? below : below + 1;
  return `${(even / 100).toFixed(2)}%`;
}
