/** @file Arithmetic on Python's ints (bigint) and floats (number), with Python's errors and a bound on the size of ints. */
import { PythonError } from "../python/errors.ts";

/** int is bigint, float is number; a bool is 0n or 1n. */
export type PyNumber = bigint | number;

/** `9**9**9` has more bits than any machine; Python would compute until its time limit, this raises. */
const MAX_BITS = 100_000;

export function toFloat(value: PyNumber): number {
  if (typeof value === "number") return value;
  const float = Number(value);
  if (!Number.isFinite(float)) throw new PythonError("OverflowError", "int too large to convert to float");
  return float;
}

function bits(value: bigint): number {
  return (value < 0n ? -value : value).toString(16).length * 4;
}

function bothInts(a: PyNumber, b: PyNumber): a is bigint {
  return typeof a === "bigint" && typeof b === "bigint";
}

function nonZero(value: PyNumber): void {
  if (value === 0n || value === 0) throw new PythonError("ZeroDivisionError", "division by zero");
}

function bounded(size: number): void {
  if (size > MAX_BITS) throw new PythonError("OverflowError", `an integer of more than ${MAX_BITS} bits`);
}

export function add(a: PyNumber, b: PyNumber): PyNumber {
  return bothInts(a, b) ? a + (b as bigint) : toFloat(a) + toFloat(b);
}

export function subtract(a: PyNumber, b: PyNumber): PyNumber {
  return bothInts(a, b) ? a - (b as bigint) : toFloat(a) - toFloat(b);
}

export function multiply(a: PyNumber, b: PyNumber): PyNumber {
  if (!bothInts(a, b)) return toFloat(a) * toFloat(b);
  bounded(bits(a) + bits(b as bigint));
  return a * (b as bigint);
}

/** True division: always a float. */
export function divide(a: PyNumber, b: PyNumber): number {
  nonZero(b);
  if (bothInts(a, b)) {
    const [x, y] = [a, b as bigint];
    const [left, right] = [Number(x), Number(y)];
    if (Number.isSafeInteger(left) && Number.isSafeInteger(right)) return left / right;
    // Scale so that the quotient keeps 80 bits, more than a float holds.
    const shift = BigInt(Math.max(0, 80 + bits(y) - bits(x)));
    return toFloat((x << shift) / y) / 2 ** Number(shift);
  }
  return toFloat(a) / toFloat(b);
}

export function floorDivide(a: PyNumber, b: PyNumber): PyNumber {
  nonZero(b);
  if (!bothInts(a, b)) return Math.floor(toFloat(a) / toFloat(b));
  const [x, y] = [a, b as bigint];
  return x / y - (x % y !== 0n && x < 0n !== y < 0n ? 1n : 0n);
}

/** The remainder takes the divisor's sign. */
export function modulo(a: PyNumber, b: PyNumber): PyNumber {
  nonZero(b);
  if (bothInts(a, b)) return a - (floorDivide(a, b) as bigint) * (b as bigint);
  const [x, y] = [toFloat(a), toFloat(b)];
  const rest = x % y;
  return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
}

export function power(a: PyNumber, b: PyNumber): PyNumber {
  if (bothInts(a, b) && (b as bigint) >= 0n) {
    const exponent = b as bigint;
    if (a === 0n || a === 1n) return exponent === 0n ? 1n : a;
    if (a === -1n) return exponent % 2n === 0n ? 1n : -1n;
    bounded(exponent > BigInt(MAX_BITS) ? Number.POSITIVE_INFINITY : bits(a) * Number(exponent));
    return a ** exponent;
  }
  const [x, y] = [toFloat(a), toFloat(b)];
  if (x === 0 && y < 0) throw new PythonError("ZeroDivisionError", "zero to a negative power");
  if (x < 0 && !Number.isInteger(y) && Number.isFinite(y)) throw new PythonError("TypeError", "a complex result");
  const result = x ** y;
  if (!Number.isFinite(result) && Number.isFinite(x) && Number.isFinite(y)) {
    throw new PythonError("OverflowError", "Numerical result out of range");
  }
  return result;
}

export function negate(a: PyNumber): PyNumber {
  return -a;
}

export function absolute(a: PyNumber): PyNumber {
  return a < 0 ? negate(a) : a;
}

export function shift(a: PyNumber, b: PyNumber, left: boolean): PyNumber {
  if (!bothInts(a, b)) throw new PythonError("TypeError", "unsupported operand type(s) for <<");
  const by = b as bigint;
  if (by < 0n) throw new PythonError("ValueError", "negative shift count");
  if (left) bounded(by > BigInt(MAX_BITS) ? Number.POSITIVE_INFINITY : bits(a) + Number(by));
  return left ? a << by : by > BigInt(MAX_BITS) ? (a < 0n ? -1n : 0n) : a >> by;
}

export function bitwise(a: PyNumber, b: PyNumber, operator: "|" | "&" | "^"): PyNumber {
  if (!bothInts(a, b)) throw new PythonError("TypeError", `unsupported operand type(s) for ${operator}`);
  const other = b as bigint;
  return operator === "|" ? a | other : operator === "&" ? a & other : a ^ other;
}
