/** @file Choosing by peaks gives what reading every logit gives. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PEAK_BLOCK } from "../../passes/index.ts";
import { Candidates } from "./candidates.ts";
import { argmaxByPeaks } from "./peaks.ts";
import { Sampler } from "./sampler.ts";
import { samplingSettings } from "./sampling-options.ts";
import { argmax } from "./select.ts";

const VOCAB = 3 * PEAK_BLOCK + 5;
const peaksOf = (values: Float32Array) =>
  Float32Array.from({ length: 4 }, (_, i) => {
    const some = values.subarray(i * PEAK_BLOCK, (i + 1) * PEAK_BLOCK).filter((value) => !Number.isNaN(value));
    return some.length > 0 ? some.reduce((a, b) => Math.max(a, b)) : Number.NEGATIVE_INFINITY;
  });
const logits = (places: readonly [number, number][]): Float32Array => {
  const values = new Float32Array(VOCAB).fill(-1);
  for (const [at, value] of places) values[at] = value;
  return values;
};
const place = fc.tuple(
  fc.integer({ min: 0, max: VOCAB - 1 }),
  fc.constantFrom(-2, 0, 0.5, 1, Number.NaN, Number.NEGATIVE_INFINITY),
);

describe("peaks", () => {
  it("lead to the first of the largest values", () => {
    fc.assert(
      fc.property(fc.array(place, { maxLength: 8 }), (places) => {
        const values = logits(places);
        expect(argmaxByPeaks(values, peaksOf(values))).toBe(argmax(values));
      }),
    );
    const nothing = new Float32Array(VOCAB).fill(Number.NaN);
    expect(argmaxByPeaks(nothing, peaksOf(nothing))).toBe(-1);
  });

  it("change no choice under biases and penalties, and logits are left as they were", () => {
    const token = fc.integer({ min: 0, max: VOCAB - 1 });
    const bias = fc.dictionary(token.map(String), fc.constantFrom(-100, -0.75, 0.75, 3), { maxKeys: 5 });
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 8 }), bias, fc.boolean(), (places, logitBias, penal) => {
        const options = { logitBias, ...(penal && { repetitionPenalty: 1.3, presencePenalty: 0.4 }) };
        const [plain, fast] = [0, 1].map(
          () => new Sampler(samplingSettings(options, VOCAB), [1, 2, VOCAB - 1], new Candidates(VOCAB)),
        );
        const values = logits(places);
        const before = values.slice();
        for (let step = 0; step < 4; step++)
          expect(fast!.next(values, peaksOf(values)).token).toBe(plain!.next(values).token);
        expect(values).toEqual(before);
      }),
    );
  });
});
