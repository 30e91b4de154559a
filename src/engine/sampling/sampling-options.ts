/** @file How the next token is chosen: the options, their defaults and their limits. */
import { MAX_SEED } from "../../common/index.ts";

/** Changes logits in place before a token is chosen; sees the tokens generated so far. */
export type LogitsProcessor = (logits: Float32Array, generated: readonly number[]) => void;

/** Options of one request; names and meanings as in transformers, penalties on counts as in the OpenAI API. */
export interface SamplingOptions {
  /** Draw from the distribution, or take the most likely token. Default: draw where another option asks for chance, see `asksForChance`. */
  doSample?: boolean;
  /** Divides the logits. 0 means greedy. Default 1. */
  temperature?: number;
  /** Keeps the k most likely tokens (and ties of the k-th). */
  topK?: number;
  /** Keeps the smallest set of most likely tokens whose probability reaches p. */
  topP?: number;
  /** Keeps tokens at least this fraction as likely as the most likely one. */
  minP?: number;
  /** Divides positive and multiplies negative logits of tokens in the prompt's text or the answer (Keskar et al. 2019). */
  repetitionPenalty?: number;
  /** Subtracted from tokens that are in the answer. */
  presencePenalty?: number;
  /** Subtracted from tokens in the answer, once per occurrence. */
  frequencyPenalty?: number;
  /** Added to the logits of single tokens. */
  logitBias?: Readonly<Record<number, number>>;
  /** Whole number from 0 to 2^53 - 1: the same seed gives the same answer. */
  seed?: number;
  logitsProcessor?: LogitsProcessor;
}

/** The options with every value present; `Infinity`, 1 and 0 stand for "no limit". */
export interface SamplingSettings {
  greedy: boolean;
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
  repetitionPenalty: number;
  presencePenalty: number;
  frequencyPenalty: number;
  logitBias: readonly (readonly [token: number, bias: number])[];
  /** Undefined for a seed that nobody knows. */
  seed: number | undefined;
  logitsProcessor: LogitsProcessor | undefined;
}

/**
 * The one rule, on the command line, over HTTP and in the library: a temperature above 0 asks for chance, and where there is
 * no temperature, any of top-k, top-p and min-p does. Null is absent.
 * @example asksForChance({ temperature: 0.8 }) // true
 */
export function asksForChance(
  options: {
    readonly [Name in "temperature" | "topK" | "topP" | "minP"]?: number | null;
  },
): boolean {
  const { temperature, topK, topP, minP } = options;
  return temperature == null ? (topK ?? topP ?? minP) != null : temperature > 0;
}

type Check = (value: number) => boolean;

/**
 * Checks the options and fills in what is missing.
 * @throws RangeError naming the option, what was found and what is allowed.
 */
export function samplingSettings(options: SamplingOptions, vocabSize: number): SamplingSettings {
  const number = (name: keyof SamplingOptions, fallback: number, allowed: string, check: Check): number => {
    const value = options[name] ?? fallback;
    if (typeof value !== "number" || Number.isNaN(value) || !check(value)) {
      throw new RangeError(`${name} must be ${allowed}; found ${String(value)}.`);
    }
    return value;
  };
  const temperature = number("temperature", 1, "a number >= 0", (t) => t >= 0 && Number.isFinite(t));
  const penalty = "a number from -2 to 2";
  const withinTwo: Check = (value) => Math.abs(value) <= 2;
  return {
    greedy: !(options.doSample ?? asksForChance(options)) || temperature === 0,
    temperature,
    topK: number(
      "topK",
      Number.POSITIVE_INFINITY,
      "a whole number >= 1",
      (k) => k >= 1 && (k === Infinity || Number.isInteger(k)),
    ),
    topP: number("topP", 1, "a number above 0 and at most 1", (p) => p > 0 && p <= 1),
    minP: number("minP", 0, "a number from 0 to 1", (p) => p >= 0 && p <= 1),
    repetitionPenalty: number("repetitionPenalty", 1, "a number above 0", (r) => r > 0 && Number.isFinite(r)),
    presencePenalty: number("presencePenalty", 0, penalty, withinTwo),
    frequencyPenalty: number("frequencyPenalty", 0, penalty, withinTwo),
    logitBias: checkedBias(options.logitBias ?? {}, vocabSize),
    seed: checkedSeed(options.seed ?? undefined),
    logitsProcessor: options.logitsProcessor,
  };
}

function checkedSeed(seed: number | undefined): number | undefined {
  if (seed === undefined || (Number.isSafeInteger(seed) && seed >= 0)) return seed;
  throw new RangeError(`The seed must be a whole number from 0 to ${MAX_SEED}; found ${seed}.`);
}

function checkedBias(logitBias: Readonly<Record<number, number>>, vocabSize: number): [number, number][] {
  return Object.entries(logitBias).map(([key, bias]) => {
    const token = Number(key);
    if (!Number.isInteger(token) || token < 0 || token >= vocabSize) {
      throw new RangeError(`logitBias names token ${key}; expected whole numbers from 0 to ${vocabSize - 1}.`);
    }
    if (typeof bias !== "number" || Number.isNaN(bias) || bias === Infinity) {
      throw new RangeError(`logitBias of token ${key} must be a number; found ${String(bias)}.`);
    }
    return [token, bias];
  });
}
