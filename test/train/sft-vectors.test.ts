/** @file Token log-probabilities, entropy and the chunked cross-entropy against numbers that TRL computed. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as g from "../../src/graph/index.ts";
import type { Parameters } from "../../src/model/index.ts";
import { tokenLogProbs } from "../../src/train/index.ts";
import { evaluate, relativeError } from "./evaluate.ts";

const vectors = JSON.parse(readFileSync(new URL("../golden/grpo-vectors.json", import.meta.url), "utf8"));

/** Parameters of a model that is nothing but an LM head. */
const headOnly = (vocabulary: number, hidden: number): Parameters =>
  ({ head: g.weight("head", "float32", [vocabulary, hidden]) }) as unknown as Parameters;

test("log-probabilities and entropy at a temperature equal TRL's", async () => {
  const { logits, tokens, temperature, logps, entropy } = vectors.logProbs;
  const flat: number[][] = logits.flat();
  const vocabulary = flat[0]!.length;
  // With the identity as the LM head, hidden states are the logits themselves.
  const identity = Array.from({ length: vocabulary ** 2 }, (_, i) => +(i % (vocabulary + 1) === 0));
  for (const chunk of [1, 2, 3, 6]) {
    const found = tokenLogProbs(
      headOnly(vocabulary, vocabulary),
      g.input("hidden", "float32", [flat.length, vocabulary]),
      g.input("rows", "int64", [flat.length]),
      g.input("targets", "int64", [flat.length]),
      { chunk, measures: ["entropy"], scale: g.scalar(1 / temperature) },
    );
    const values = await evaluate(
      { logProbs: found.logProbs, entropy: found.measures.entropy! },
      { hidden: flat.flat(), rows: flat.map((_, i) => i), targets: tokens.flat(), head: identity },
    );
    expect(relativeError(values.logProbs!, logps.flat())).toBeLessThan(1e-6);
    expect(relativeError(values.entropy!, entropy.flat())).toBeLessThan(1e-6);
  }
});

describe("chunked cross-entropy equals TRL's", () => {
  const { hidden, lmHead, labels, cases } = vectors.sft;
  const [rows, length, width] = [hidden.length, hidden[0].length, hidden[0][0].length] as [number, number, number];
  // Hidden state t predicts label t + 1.
  const labelled: [number, number][] = (labels as number[][]).flatMap((row, r) =>
    row.flatMap((label, t): [number, number][] => (t > 0 && label !== -100 ? [[r * length + t - 1, label]] : [])),
  );
  const count = labelled.length;

  for (const c of cases)
    for (const chunk of [1, count])
      test(`${c.numItemsInBatch === null ? "mean over its own tokens" : `divided by ${c.numItemsInBatch}`}, ${chunk} rows at a time`, async () => {
        const states = g.weight("hidden", "float32", [rows * length, width]);
        const parameters = headOnly(lmHead.length, width);
        const [at, targets] = [g.input("rows", "int64", [count]), g.input("targets", "int64", [count])];
        const found = tokenLogProbs(parameters, states, at, targets, { chunk, measures: ["entropy"] });
        const weight = g.scalar(1 / (c.numItemsInBatch ?? count));
        const loss = g.neg(g.reduceSum(g.mul(found.logProbs, weight), [0]));
        const [dHidden, dHead] = g.gradients(loss, [states, parameters.head]);
        const values = await evaluate(
          { loss, correct: found.correct, entropy: found.measures.entropy!, dHidden: dHidden!, dHead: dHead! },
          {
            hidden: hidden.flat(2),
            head: lmHead.flat(),
            rows: labelled.map(([row]) => row),
            targets: labelled.map(([, label]) => label),
          },
        );
        const sum = (xs: number[]) => xs.reduce((a, b) => a + b, 0);
        expect(count).toBe(c.validTokens);
        expect(relativeError(values.loss!, [c.loss])).toBeLessThan(1e-6);
        expect(sum(values.correct!)).toBe(c.correct);
        expect(relativeError([sum(values.entropy!)], [c.entropySum])).toBeLessThan(1e-6);
        expect(relativeError(values.dHidden!, c.dHidden.flat(2))).toBeLessThan(1e-5);
        expect(relativeError(values.dHead!, c.dLmHead.flat())).toBeLessThan(1e-5);
      });

  test("DFT is the same graph with each token weighted by its own probability", async () => {
    const states = g.weight("hidden", "float32", [rows * length, width]);
    const [at, targets] = [g.input("rows", "int64", [count]), g.input("targets", "int64", [count])];
    const { logProbs } = tokenLogProbs(headOnly(lmHead.length, width), states, at, targets, { chunk: count });
    const weights = g.mul(g.stopGradient(g.exp(logProbs)), g.scalar(1 / count));
    const loss = g.neg(g.reduceSum(g.mul(logProbs, weights), [0]));
    const { loss: found } = await evaluate(
      { loss },
      {
        hidden: hidden.flat(2),
        head: lmHead.flat(),
        rows: labelled.map(([row]) => row),
        targets: labelled.map(([, label]) => label),
      },
    );
    expect(relativeError(found!, [vectors.dft.loss])).toBeLessThan(1e-6);
  });
});

test("labels that do not divide into chunks are refused", () => {
  const rows = g.input("rows", "int64", [5]);
  const hidden = g.input("hidden", "float32", [5, 3]);
  expect(() => tokenLogProbs(headOnly(7, 3), hidden, rows, rows, { chunk: 2 })).toThrow(
    "5 labels do not divide into chunks of 2",
  );
});
