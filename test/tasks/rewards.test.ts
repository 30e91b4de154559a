// Rewards agree with the reference implementations' recorded values.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  accuracyReward,
  repetitionReward,
  softOverlongReward,
  type Task,
  thinkAnswerFormatReward,
  thinkFormatReward,
} from "../../src/tasks/index.ts";

const golden = JSON.parse(readFileSync(new URL("../golden/grpo-vectors.json", import.meta.url), "utf8")).rewards as {
  thinkFormat: { texts: string[]; rewards: number[] };
  thinkAnswerFormat: { texts: string[]; rewards: number[] };
  softOverlong: { lengths: number[]; rewards: number[] };
  repetition: { tokens: number[][]; rewards: number[] };
};

describe("rewards", () => {
  test("the thinking format agrees with TRL", () => {
    expect(golden.thinkFormat.texts.map(thinkFormatReward)).toEqual(golden.thinkFormat.rewards);
  });

  test("the thinking and answer format agrees with VLM-R1 and EasyR1", () => {
    expect(golden.thinkAnswerFormat.texts.map(thinkAnswerFormatReward)).toEqual(golden.thinkAnswerFormat.rewards);
  });

  test("the soft overlong punishment agrees with TRL at (100, 20)", () => {
    golden.softOverlong.lengths.forEach((length, i) => {
      expect(softOverlongReward(length, 100, 20)).toBeCloseTo(golden.softOverlong.rewards[i]!, 12);
    });
    expect(() => softOverlongReward(5, 100, 0)).toThrow(/margin/);
  });

  test("the repetition penalty agrees with TRL at (2, -1)", () => {
    golden.repetition.tokens.forEach((tokens, i) => {
      expect(repetitionReward(tokens, 2, -1)).toBeCloseTo(golden.repetition.rewards[i]!, 12);
    });
    expect(() => repetitionReward([1, 2], 0, -1)).toThrow(/n-gram/);
    expect(() => repetitionReward([1, 2], 2, 1)).toThrow(/penalty/);
  });

  test("accuracy pays a half right answer only when partial credit is asked for", async () => {
    const task: Pick<Task<string>, "score"> = { score: () => ({ correct: false, value: 0.5, detail: "" }) };
    expect(await accuracyReward(task as Task<string>, "", "")).toBe(0);
    expect(await accuracyReward(task as Task<string>, "", "", true)).toBe(0.5);
  });
});
