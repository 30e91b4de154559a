/**
 * @file Sums written out digit by digit from the right, with carry and borrow: what a small model learns from few examples
 * (Lee et al. 2023, "Teaching Arithmetic to Small Transformers", found the same for scratchpads).
 */

import { amount } from "../words.ts";

/** Digits from the right, and the decimals that the amounts have together: 230 and 45 cents → 23 and 4.5 need two. */
function digitsOf(...cents: number[]): number[][] {
  const scale = cents.every((n) => n % 100 === 0) ? 100 : cents.every((n) => n % 10 === 0) ? 10 : 1;
  return cents.map((n) => [...String(n / scale)].reverse().map(Number));
}

/** @example addition(2230, 4970) // ["3+7=10", "2+9+1=12", "2+4+1=7", "22.3+49.7=72"] */
export function addition(a: number, b: number): string[] {
  const [x, y] = digitsOf(a, b) as [number[], number[]];
  const steps: string[] = [];
  let carry = 0;
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const [p, q] = [x[i] ?? 0, y[i] ?? 0];
    const sum = p + q + carry;
    steps.push(`${p}+${q}${carry ? `+${carry}` : ""}=${sum}`);
    carry = Math.floor(sum / 10);
  }
  return [...steps, `${amount(a)}+${amount(b)}=${amount(a + b)}`];
}

/**
 * The larger first.
 * @example subtraction(6500, 4970) // ["10-7=3", "15-9-1=5", "6-4-1=1", "65-49.7=15.3"]
 */
export function subtraction(a: number, b: number): string[] {
  const [x, y] = digitsOf(a, b) as [number[], number[]];
  const steps: string[] = [];
  let borrow = 0;
  for (let i = 0; i < x.length; i++) {
    const [p, q] = [x[i]!, y[i] ?? 0];
    const lent = p < q + borrow ? 10 : 0;
    steps.push(`${p + lent}-${q}${borrow ? `-${borrow}` : ""}=${p + lent - q - borrow}`);
    borrow = lent / 10;
  }
  return [...steps, `${amount(a)}-${amount(b)}=${amount(a - b)}`];
}

/** @example multiplication(8440, 3) // ["4×3=12", "4×3+1=13", "8×3+1=25", "84.4×3=253.2"] */
export function multiplication(a: number, n: number): string[] {
  const result = `${amount(a)}×${n}=${amount(a * n)}`;
  // Ten times is a shift of the point.
  if (n === 10) return [result];
  const steps: string[] = [];
  let carry = 0;
  for (const digit of digitsOf(a)[0]!) {
    const product = digit * n + carry;
    steps.push(`${digit}×${n}${carry ? `+${carry}` : ""}=${product}`);
    carry = Math.floor(product / 10);
  }
  return [...steps, result];
}
