/** @file What TRL's numbers do not cover of the preference losses: float64 and graph agree, and derivatives are those of the loss. */

import { expect, test } from "vitest";
import { Random } from "../../src/common/index.ts";
import { gradients, input, weight } from "../../src/graph/index.ts";
import {
  PREFERENCE_LOSSES,
  type PreferenceStepOptions,
  preferenceLoss,
  preferenceStep,
  type ScoredAnswer,
  type ScoredPair,
} from "../../src/train/index.ts";
import { evaluate, relativeError } from "./evaluate.ts";

const PLAIN = {
  beta: 0.3,
  labelSmoothing: 0.1,
  divergence: "reverse_kl",
  divergenceAlpha: 1,
  discopopTau: 0.05,
} as const;
const of = (type: (typeof PREFERENCE_LOSSES)[number] | "sft", more: object = {}): PreferenceStepOptions => ({
  ...PLAIN,
  losses: [{ type, weight: 1.3 }],
  ...more,
});
const CASES: [string, PreferenceStepOptions][] = [
  ...PREFERENCE_LOSSES.map((type): [string, PreferenceStepOptions] => [type, of(type)]),
  ["bco_pair less a shift", of("bco_pair", { shift: 0.4 })],
  ["alpha divergence", of("sigmoid", { divergence: "alpha_divergence", divergenceAlpha: 0.5 })],
  ["sft", of("sft")],
];

function pairsOf(seed: number, lengths: readonly (readonly [number, number])[]): ScoredPair[] {
  const random = new Random(seed);
  const answer = (n: number): ScoredAnswer => {
    const logProbs = Array.from({ length: n }, () => -3 * random.uniform());
    const none = logProbs.map(() => 0);
    const reference = logProbs.reduce((a, b) => a + b, 0) + random.normal();
    return { logProbs, reference, entropy: none, meanLogit: none, correct: none };
  };
  return lengths.map(([c, x]) => ({ chosen: answer(c), rejected: answer(x) }));
}

const LENGTHS = [
  [3, 5],
  [4, 2],
] as const;

test.each(CASES)("%s: the weight of a token is the loss's derivative by its log-probability", (_, options) => {
  const pairs = pairsOf(1, LENGTHS);
  const { weights } = preferenceStep(pairs, options);
  for (const [i, pair] of pairs.entries())
    for (const side of ["chosen", "rejected"] as const)
      for (let t = 0; t < pair[side].logProbs.length; t++) {
        const at = (h: number) => {
          const logProbs = Array.from(pair[side].logProbs, (p, k) => p + (k === t ? h : 0));
          const moved = pairs.map((p, j) => (i === j ? { ...p, [side]: { ...p[side], logProbs } } : p));
          return preferenceStep(moved, options).loss;
        };
        expect(weights[i]![side][t]).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 6);
      }
});

test.each(CASES)(
  "%s: a graph with places that are not used has the loss and the weights of float64",
  async (_, options) => {
    const pairs = pairsOf(2, LENGTHS);
    const [capacity, labels] = [pairs.length + 1, 20];
    const answers = [...pairs.map((p) => p.chosen), undefined, ...pairs.map((p) => p.rejected), undefined];
    const tokens = answers.flatMap((a, answer) => Array.from(a?.logProbs ?? [], (p) => ({ p, answer })));
    const filled = (of: (token: (typeof tokens)[number]) => number): number[] =>
      Array.from({ length: labels }, (_, i) => (tokens[i] ? of(tokens[i]) : 0));
    const floats = (name: string, n: number) => input(name, "float32", [n]);
    const logProbs = weight("logp", "float32", [labels]);
    const loss = preferenceLoss(
      {
        logProbs,
        answerOf: input("answer_of", "int64", [labels]),
        lengthWeights: floats("length_weights", labels),
        sftShares: floats("sft_shares", labels),
        references: floats("references", 2 * capacity),
        inverseLengths: floats("inverse_lengths", 2 * capacity),
        pairWeights: floats("pair_weights", capacity),
        shift: input("shift", "float32", []),
      },
      options,
    );
    const [gradient] = gradients(loss, [logProbs]);
    const chosen = tokens.filter(({ answer }) => answer < capacity).length;
    const found = await evaluate(
      { loss, gradient: gradient! },
      {
        logp: filled(({ p }) => p),
        answer_of: filled(({ answer }) => answer),
        length_weights: filled(() => 1),
        sft_shares: filled(({ answer }) => (answer < capacity ? 1 / chosen : 0)),
        references: answers.map((a) => a?.reference ?? 0),
        inverse_lengths: answers.map((a) => (a ? 1 / a.logProbs.length : 0)),
        pair_weights: Array.from({ length: capacity }, (_, i) => (i < pairs.length ? 1 / pairs.length : 0)),
        shift: [options.shift ?? 0],
      },
    );
    const expected = preferenceStep(pairs, options);
    expect(relativeError(found.loss!, [expected.loss], 1)).toBeLessThan(1e-6);
    const sides = [...expected.weights.map((w) => w.chosen), ...expected.weights.map((w) => w.rejected)].flat();
    expect(relativeError(found.gradient!, [...sides, ...Array(labels - sides.length).fill(0)])).toBeLessThan(1e-5);
  },
);

test("log ratios that float32's exp does not hold give finite losses and gradients", async () => {
  const far = [-300, 300].flatMap((gap) =>
    pairsOf(3, [[2, 2]]).map((p) => ({ ...p, chosen: { ...p.chosen, reference: gap } })),
  );
  for (const type of ["sigmoid", "bco_pair", "nca_pair", "apo_zero", "hinge"] as const) {
    const { loss, weights } = preferenceStep(far, { ...of(type), beta: 5 });
    expect(Number.isFinite(loss), type).toBe(true);
    expect(weights.flatMap((w) => [...w.chosen, ...w.rejected]).every(Number.isFinite), type).toBe(true);
  }
});
