/** @file Equality of two normalised answers where it needs no algebra: the same text, or two numbers. */

/** Math-Verify rounds to six decimals. */
const TOLERANCE = 1e-6;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const FRACTION = /^([+-]?)\s*\\frac\{([+-]?\d+(?:\.\d+)?)\}\{([+-]?\d+(?:\.\d+)?)\}$|^([+-]?\d+)\s*\/\s*(\d+)$/;
const MIXED = /^([+-]?)(\d+)\s*\\frac\{(\d+)\}\{(\d+)\}$/;

function value(text: string): number | null {
  const percent = text.endsWith("\\%");
  const plain = (percent ? text.slice(0, -2) : text).trim();
  const number = plainValue(plain);
  return number !== null && percent ? number / 100 : number;
}

function plainValue(text: string): number | null {
  if (NUMBER.test(text)) return Number(text);
  const fraction = FRACTION.exec(text);
  if (fraction) {
    const [, sign, top, bottom, left, right] = fraction;
    return left === undefined ? (sign === "-" ? -1 : 1) * (Number(top) / Number(bottom)) : Number(left) / Number(right);
  }
  const mixed = MIXED.exec(text);
  if (!mixed) return null;
  return (mixed[1] === "-" ? -1 : 1) * (Number(mixed[2]) + Number(mixed[3]) / Number(mixed[4]));
}

/**
 * @returns true or false when it is certain, null when algebra has to decide
 * @example quicklyEqual("0.5", "\\frac{1}{2}") // true
 */
export function quicklyEqual(a: string, b: string): boolean | null {
  const tight = (text: string) => text.replace(/\s+/g, "");
  if (tight(a) === tight(b)) return a !== "";
  if (a === "" || b === "") return false;
  const [x, y] = [value(a), value(b)];
  if (x === null || y === null) return null;
  return Math.abs(x - y) <= TOLERANCE * Math.max(1, Math.abs(y));
}
