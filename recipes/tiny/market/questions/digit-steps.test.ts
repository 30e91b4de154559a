// Sums digit by digit: every step is right by itself, and the digits read from the right are the result.

import fc from "fast-check";
import { expect, test } from "vitest";
import { addition, multiplication, subtraction } from "./digit-steps.ts";

const cents = fc.integer({ min: 1, max: 20_000 });

/** Evaluates a step such as "3+7+1=11" from left to right, in hundredths to be exact. */
function holds(step: string): boolean {
  const [left, right] = step.split("=") as [string, string];
  const product = left.split("×").map(Number);
  const hundredths = (text: string | number) => Math.round(Number(text) * 100);
  if (product.length === 2 && !left.includes("+"))
    return Math.round(100 * product[0]! * product[1]!) === hundredths(right);
  const terms = left.includes("×") ? [left.split("+")[0]!.split("×").map(Number), left.split("+")[1]] : undefined;
  if (terms) {
    const [a, b] = terms[0] as number[];
    return a! * b! + Number(terms[1]) === Number(right);
  }
  const sum = (left.match(/[+-]?[\d.]+/g) ?? []).reduce((total, term) => total + hundredths(term), 0);
  return sum === hundredths(right);
}

/** Last digits of all steps but the result, most significant first, and the whole of the last one. */
function digits(steps: string[]): string {
  const values = steps.slice(0, -1).map((step) => step.split("=")[1]!);
  return values
    .map((value, i) => (i === values.length - 1 ? value : value.at(-1)))
    .reverse()
    .join("");
}
const bare = (result: string) => result.split("=")[1]!.replace(".", "").replace(/^0+/, "").replace(/0+$/, "");
const trimmed = (text: string) => text.replace(/^0+/, "").replace(/0+$/, "");

test("examples", () => {
  expect(addition(2230, 4970)).toEqual(["3+7=10", "2+9+1=12", "2+4+1=7", "22.3+49.7=72"]);
  expect(subtraction(6500, 4970)).toEqual(["10-7=3", "15-9-1=5", "6-4-1=1", "65-49.7=15.3"]);
  expect(multiplication(8440, 3)).toEqual(["4×3=12", "4×3+1=13", "8×3+1=25", "84.4×3=253.2"]);
  expect(multiplication(8440, 10)).toEqual(["84.4×10=844"]);
});

test("each step holds, and its digits are those of the result", () => {
  fc.assert(
    fc.property(cents, cents, fc.integer({ min: 2, max: 9 }), (a, b, n) => {
      const [high, low] = a > b ? [a, b] : [b, a];
      for (const steps of [addition(a, b), subtraction(high, low), multiplication(a, n)]) {
        expect(steps.filter((step) => !holds(step))).toEqual([]);
        expect(trimmed(digits(steps))).toBe(bare(steps.at(-1)!));
      }
    }),
  );
});
