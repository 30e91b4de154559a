/** @file Answers of weights in training do not depend on which others are written beside them: ranks ask other ones together than one process does. */

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { availableKernels, openModelCheckpoint } from "../../src/compile/index.ts";
import { FlashVL } from "../../src/node/index.ts";
import { loadParameters, nativeTraining, type ParameterStore } from "../../src/train/index.ts";
import { makeWorld } from "./world.ts";

let folder: string;
let store: ParameterStore;
beforeAll(async () => {
  folder = await makeWorld();
  const { checkpoint, config } = await openModelCheckpoint(join(folder, "model"));
  store = await loadParameters(config, checkpoint);
  await checkpoint.close();
});
afterAll(() => rm(folder, { recursive: true }));

/** Tokens and log-probabilities of three answers to each of six prompts, asked `together` at a time, `batch` answers at once. */
async function answers(batch: number, together: number) {
  const model = await FlashVL.fromPretrained(join(folder, "model"), {
    weights: store.tensors,
    kernels: availableKernels(nativeTraining().runtime),
    maxBatch: batch,
    threads: 1,
    maxContext: 120,
  });
  const requests = ["red", "green", "blue", "red", "black", "gray"].map((color, i) => ({
    image: join(folder, `${color}.png`),
    messages: [{ role: "user" as const, content: i % 2 ? "Which colour is it?" : "Is it red or something else?" }],
    options: { temperature: 1, maxNewTokens: 12, seed: i },
  }));
  const found: unknown[] = [];
  for (let i = 0; i < requests.length; i += together) {
    await model.updateWeights(); // forgets what it has read
    const groups = await model.rolloutMany(requests.slice(i, i + together), 3);
    found.push(...groups.map((group) => group.answers.map(({ tokens, logprobs }) => ({ tokens, logprobs }))));
  }
  await model.dispose();
  return found;
}

test("alone, in groups and in large batches: the same tokens and the same bits of their log-probabilities", async () => {
  const expected = await answers(3, 6);
  for (const [batch, together] of [
    [1, 6],
    [3, 1],
    [3, 2],
    [6, 6],
    [8, 3],
  ] as const)
    expect(await answers(batch, together), `${batch} at once, ${together} prompts together`).toEqual(expected);
});
