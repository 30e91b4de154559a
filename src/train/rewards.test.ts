/** @file What reward functions may return, and what the group's advantages make of it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Task } from "../tasks/index.ts";
import { advantages, combineRewards } from "./advantages.ts";
import { loadRewards, type NamedReward, scoreAll } from "./rewards.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-rewards-"));
});
afterAll(() => rm(folder, { recursive: true }));

const task = {} as Task<unknown>;
const completion = (text: string, tokens: number[] = []) => ({ task, row: {}, text, tokens, maxTokens: 10 });
const one = (found: unknown): NamedReward<unknown> => ({ name: "mine", weight: 1, score: () => found as number });

describe("a reward function", () => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, undefined, "1", true])(
    "that returns %s ends the run and is named",
    async (found) => {
      const scored = scoreAll([one(found)], completion("an answer"));
      await expect(scored).rejects.toThrow(/"mine" returned .* for the answer "an answer", expected a finite number/);
    },
  );

  test("that rejects is named too; null says nothing about the row", async () => {
    await expect(scoreAll([one(Promise.reject(new Error("no")))], completion("a"))).rejects.toThrow(/"mine" failed/);
    expect(await scoreAll([one(null), one(0)], completion("a"))).toEqual([null, 0]);
  });

  test("of repetition counts n-grams of the n that the recipe names", async () => {
    const tokens = [1, 2, 1, 2, 1, 2];
    const score = async (n: number) => {
      const rewards = await loadRewards([{ name: "repetition", weight: 1, n }]);
      return (await scoreAll(rewards, completion("", tokens)))[0]!;
    };
    // Of five pairs two differ, of four triples two, of two runs of five two.
    expect(await score(2)).toBeCloseTo(-(1 - 2 / 5), 12);
    expect(await score(3)).toBeCloseTo(-(1 - 2 / 4), 12);
    expect(await score(5)).toBeCloseTo(0, 12);
  });

  test("from a module is called with what it may look at, and two of one name are told apart", async () => {
    const path = join(folder, "length.mjs");
    await writeFile(path, "export default ({ text, maxTokens }) => text.length / maxTokens;\n");
    const rewards = await loadRewards([
      { module: path, weight: 1 },
      { module: path, weight: 2 },
    ]);
    expect(rewards.map(({ name, weight }) => [name, weight])).toEqual([
      ["length", 1],
      ["length-2", 2],
    ]);
    expect(await scoreAll(rewards, completion("four"))).toEqual([0.4, 0.4]);
  });
});

describe("a row that no function could score", () => {
  test("is no part of its group's mean and deviation", () => {
    expect(combineRewards([null, null], [1, 2])).toBeNull();
    expect(combineRewards([null, 3], [1, 2])).toBe(6);
    expect(advantages([1, null, 3, 5], 4, "none")).toEqual([-2, 0, 0, 2]);
    expect(advantages([1, null, 3, 5], 4, "group", 0)).toEqual([-1, 0, 0, 1]);
  });
});
