/** @file The sampler gives transformers' probabilities, follows its seed, and stays fast on a real vocabulary. */
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  Candidates,
  Sampler,
  type SamplingOptions,
  samplingSettings,
  topIndices,
} from "../../src/engine/sampling/index.ts";
import { logSumExp } from "../../src/engine/sampling/log-probs.ts";
import { expected, expectedTensors } from "./support/golden.ts";

const tensors = expectedTensors();
const logits = tensors.get("sampling/logits")!.data;
const buffers = new Candidates(logits.length);
const sampler = (options: SamplingOptions, prompt: number[] = []) =>
  new Sampler(samplingSettings(options, logits.length), prompt, buffers);

/** A pseudo-random vocabulary of the published size. */
const large = (): Float32Array => {
  let state = 12345;
  return Float32Array.from({ length: 151_936 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state / 2 ** 32) * 12 - 6;
  });
};

describe("probabilities", () => {
  it.each(expected.sampling.settings.map((settings, i) => ({ i, settings })))(
    "equal transformers' within 1e-6 for $settings",
    ({ i, settings }) => {
      const found = sampler(
        {
          doSample: true,
          temperature: settings.temperature,
          topK: settings.top_k ?? undefined,
          topP: settings.top_p ?? undefined,
          minP: settings.min_p ?? undefined,
          repetitionPenalty: settings.repetition_penalty ?? undefined,
        },
        expected.sampling.history,
      ).distribution(logits);
      const reference = tensors.get(`sampling/probs${i}`)!.data;
      for (let token = 0; token < reference.length; token++) {
        expect(Math.abs(found[token]! - reference[token]!)).toBeLessThan(1e-6);
      }
    },
  );

  it("equal those of a plain sort for any logits, k, p and min-p", () => {
    const plain = (values: number[], temperature: number, topK: number, topP: number, minP: number): number[] => {
      const order = values.map((_, i) => i).sort((a, b) => values[b]! - values[a]!);
      const kth = values[order[Math.min(topK, values.length) - 1]!]!;
      const kept = order.filter((i) => values[i]! >= kth);
      const weights = kept.map((i) => Math.exp((values[i]! - values[order[0]!]!) / temperature));
      const total = weights.reduce((a, b) => a + b, 0);
      const result = values.map(() => 0);
      let above = 0;
      kept.forEach((token, rank) => {
        if (above < topP * total && weights[rank]! >= minP) result[token] = weights[rank]!;
        above += weights[rank]!;
      });
      const sum = result.reduce((a, b) => a + b, 0);
      return result.map((weight) => weight / sum);
    };
    fc.assert(
      fc.property(
        // Distinct values: among equals at the top-p border either choice is right.
        fc.uniqueArray(fc.integer({ min: -4000, max: 4000 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 99 }),
        fc.integer({ min: 0, max: 99 }),
        (raw, t, topK, p, m) => {
          const values = Float32Array.from(raw, (value) => value / 256);
          const [temperature, topP, minP] = [t / 10, p / 100 + 1e-7, m / 100 + 1e-7];
          const small = new Sampler(
            samplingSettings({ doSample: true, temperature, topK, topP, minP }, values.length),
            [],
            new Candidates(values.length),
          );
          const found = small.distribution(values);
          plain([...values], temperature, topK, topP, minP).forEach((probability, token) => {
            expect(found[token]).toBeCloseTo(probability, 9);
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  it("follow the OpenAI formula for presence and frequency penalties, on the answer's tokens only", () => {
    const flat = new Float32Array(logits.length);
    const penalised = sampler({ presencePenalty: 0.5, frequencyPenalty: 0.25, logitBias: { 3: 1.5 } }, [5]);
    // Greedy on flat logits with a bias takes 3 while its penalty is smaller than the bias: 0.75, 1.0, 1.25, then 1.5.
    expect([1, 2, 3, 4].map(() => penalised.next(flat).token)).toEqual([3, 3, 3, 3]);
    expect(penalised.next(flat).token).toBe(0);
  });

  it("let a processor forbid tokens, and say so when it forbids all", () => {
    const only7 = sampler({
      doSample: true,
      seed: 1,
      logitsProcessor: (l) => l.fill(-Infinity, 0, 7).fill(-Infinity, 8),
    });
    expect([0, 0, 0].map(() => only7.next(logits).token)).toEqual([7, 7, 7]);
    const none = (l: Float32Array) => void l.fill(-Infinity);
    expect(() => sampler({ logitsProcessor: none }).next(logits)).toThrow(/No token can be chosen/);
    expect(() => sampler({ doSample: true, logitsProcessor: none }).next(logits)).toThrow(/No token can be chosen/);
    expect(() => sampler({}).next(new Float32Array(logits.length).fill(Number.NaN))).toThrow(/No token can be chosen/);
  });
});

describe("draws", () => {
  const draw = (options: SamplingOptions, n: number) => {
    const one = sampler({ doSample: true, ...options });
    return Array.from({ length: n }, () => one.next(logits).token);
  };

  it("repeat with the same seed and differ with another", () => {
    expect(draw({ seed: 5 }, 30)).toEqual(draw({ seed: 5 }, 30));
    expect(draw({ seed: 5 }, 30)).not.toEqual(draw({ seed: 6 }, 30));
  });

  it("continue from a saved state as if nothing had happened", () => {
    const options: SamplingOptions = { doSample: true, seed: 9, repetitionPenalty: 1.3, presencePenalty: 0.4 };
    const first = sampler(options, [1, 2]);
    for (let i = 0; i < 10; i++) first.next(logits);
    const second = sampler(options, [1, 2]);
    second.restore(first.state());
    const rest = (s: Sampler) => Array.from({ length: 10 }, () => s.next(logits).token);
    expect(rest(second)).toEqual(rest(first));
  });

  it("occur as often as their probability says", () => {
    const options: SamplingOptions = { temperature: 0.9, topK: 8 };
    const probabilities = sampler({ doSample: true, ...options }).distribution(logits);
    const counts = new Map<number, number>();
    for (const token of draw({ ...options, seed: 3 }, 20_000)) counts.set(token, (counts.get(token) ?? 0) + 1);
    probabilities.forEach((probability, token) => {
      expect(Math.abs((counts.get(token) ?? 0) / 20_000 - probability)).toBeLessThan(0.015);
    });
  });

  it("are made where an option asks for chance, unless doSample says otherwise", () => {
    const drawn = (options: SamplingOptions) => {
      const one = sampler({ seed: 4, ...options });
      return new Set(Array.from({ length: 60 }, () => one.next(logits).token)).size > 1;
    };
    for (const options of [{ temperature: 0.8 }, { topK: 5 }, { topP: 0.95 }, { minP: 0.01 }, { doSample: true }])
      expect(drawn(options), JSON.stringify(options)).toBe(true);
    for (const options of [{}, { temperature: 0 }, { temperature: 0, topK: 5 }, { temperature: 0.8, doSample: false }])
      expect(drawn(options), JSON.stringify(options)).toBe(false);
  });

  it("are greedy at temperature 0", () => {
    expect(draw({ temperature: 0 }, 2)).toEqual([topIndices(logits, 1)[0], topIndices(logits, 1)[0]]);
  });
});

describe("log-probabilities", () => {
  it("are of the raw logits, divided by the asked temperature, with the likeliest tokens beside", () => {
    for (const temperature of [1, 0.7]) {
      const one = new Sampler(samplingSettings({ logitBias: { 11: 100 } }, logits.length), [], buffers, {
        top: 3,
        temperature,
      });
      const { token, logprob, topLogprobs } = one.next(logits);
      const sum = logits.reduce((total, value) => total + Math.exp(value / temperature), 0);
      expect(token).toBe(11);
      expect(logprob).toBeCloseTo(logits[11]! / temperature - Math.log(sum), 6);
      expect(topLogprobs!.map((entry) => entry.token)).toEqual([...topIndices(logits, 3)]);
      expect(topLogprobs![0]!.logprob).toBeCloseTo(logits[topLogprobs![0]!.token]! / temperature - Math.log(sum), 6);
    }
  });
});

describe("log-probabilities of drawn tokens", () => {
  const shaped: SamplingOptions[] = [
    {},
    { temperature: 0.7 },
    { temperature: 1.3 },
    { topK: 3 },
    { topP: 0.5 },
    { minP: 0.2 },
    { logitBias: { 11: 2 } },
    { repetitionPenalty: 1.5 },
  ];
  it.each(shaped)("are the model's own, whatever %j leaves out or changes", (options) => {
    for (const temperature of [1, 0.7]) {
      const one = new Sampler(samplingSettings({ ...options, doSample: true, seed: 5 }, logits.length), [11], buffers, {
        top: 0,
        temperature,
      });
      for (let i = 0; i < 5; i++) {
        const { token, logprob } = one.next(logits);
        expect(logprob).toBe(logits[token]! / temperature - logSumExp(logits, temperature));
      }
    }
  });
});

describe("limits", () => {
  const wrong: [SamplingOptions, RegExp][] = [
    [{ temperature: -1 }, /temperature must be a number >= 0; found -1/],
    [{ topK: 0 }, /topK must be a whole number >= 1; found 0/],
    [{ topP: 0 }, /topP must be a number above 0/],
    [{ minP: 1.5 }, /minP must be/],
    [{ repetitionPenalty: 0 }, /repetitionPenalty must be/],
    [{ presencePenalty: 3 }, /presencePenalty must be a number from -2 to 2/],
    [{ seed: 1.5 }, /seed must be a whole number/],
    [{ logitBias: { 496: 1 } }, /names token 496; expected whole numbers from 0 to 495/],
    [{ temperature: Number.NaN }, /found NaN/],
  ];
  it.each(wrong)("refuse %o", (options, message) => {
    expect(() => sampler(options)).toThrow(message);
  });

  it("hold on the published vocabulary without a full sort", () => {
    const values = large();
    const buffer = new Candidates(values.length);
    const typedArray = Object.getPrototypeOf(Float32Array.prototype) as Float32Array;
    const sorts = [vi.spyOn(typedArray, "sort"), vi.spyOn(Array.prototype, "sort")];
    let few = false;
    onTestFinished(() => {
      for (const sort of sorts) sort.mockRestore();
    });
    for (const options of [{ topK: 50 }, { topK: 5000 }, { topP: 0.9 }, { minP: 0.05 }, {}]) {
      for (const sort of sorts) sort.mockClear();
      new Sampler(samplingSettings({ doSample: true, seed: 1, ...options }, values.length), [], buffer).next(values);
      const sorted = sorts.flatMap(({ mock }) => mock.contexts.map((list) => (list as ArrayLike<number>).length));
      expect(sorted.reduce((sum, length) => sum + length, 0)).toBeLessThan(values.length / 4);
      few ||= sorted.length > 0;
    }
    expect(few).toBe(true);
  });
});
