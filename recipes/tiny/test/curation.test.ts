/** @file Rows for curation: what noise does to a row, and the reward of a sampled answer. */

import { expect, test } from "vitest";
import { type DataRow, drawNoise, noisy } from "../curation/noise.ts";
import reward from "../curation/reward.ts";
import { createRandom } from "../market/index.ts";

const row: DataRow = {
  id: "1",
  image: "1.png",
  question: "how many?",
  answer: "**2**",
  family: 3,
  gold: { kind: "count", value: 2 },
};
const other: DataRow = { ...row, id: "0", image: "0.png", answer: "**5**", gold: { kind: "count", value: 5 } };

test("noise changes what it says and nothing else, and every kind is drawn", () => {
  expect(noisy(row, undefined, other)).toEqual([row]);
  expect(noisy(row, "wrong", other)).toEqual([{ ...row, answer: "**5**", gold: other.gold, noise: "wrong" }]);
  expect(noisy(row, "same", other).map(({ question, answer }) => question + answer)).toEqual(
    Array(3).fill("how many?**2**"),
  );
  expect(noisy(row, "nearly", other)).toHaveLength(2);
  expect(noisy(row, "blurred", other)[0]!.image).toBe("1-blurred.png");
  expect(noisy(row, "missing", other)[0]!.image).toBe("gone-1.png");
  const random = createRandom(1);
  const drawn = new Set(Array.from({ length: 300 }, () => drawNoise(random)));
  expect(drawn).toEqual(new Set(["wrong", "same", "nearly", "blurred", "missing", undefined]));
});

test("an answer earns 1 where it is the row's truth", () => {
  const ask = (text: string) => reward({ row: { columns: row }, text } as never);
  expect([ask("There are **2** of them."), ask("**3**")]).toEqual([1, 0]);
});
