/** @file What an answer is like where its request does not say: as the family does, and over that as the checkpoint's generation_config.json. */
import { familyOf, type GenerationDefaults, type ModelConfig } from "../model/index.ts";
import type { GenerateOptions } from "./generate/index.ts";
import { asksForChance, samplingSettings } from "./sampling/index.ts";

/** The keys of transformers' generation_config.json that are used, by our names. Those of searches and of training are not. */
const KEYS = {
  maxNewTokens: "max_new_tokens",
  repetitionPenalty: "repetition_penalty",
  temperature: "temperature",
  topK: "top_k",
  topP: "top_p",
  minP: "min_p",
} as const satisfies Record<keyof GenerationDefaults, string>;

/**
 * A model's defaults. Null is absent, and 0 for `top_k` is no limit, as in transformers.
 * @throws RangeError for a value that no request could have either
 * @example generationDefaults(config, { top_p: 0.8 }) // { maxNewTokens: 256, topP: 0.8 }
 */
export function generationDefaults(config: ModelConfig, generationConfig: unknown): GenerationDefaults {
  const json = (generationConfig ?? {}) as Readonly<Record<string, number | null | undefined>>;
  const given = Object.entries(KEYS).flatMap(([name, key]) => {
    const value = Object.hasOwn(json, key) ? json[key] : undefined;
    return value == null || (name === "topK" && value === 0) ? [] : [[name, value] as const];
  });
  const defaults: GenerationDefaults = { ...familyOf(config).generation, ...Object.fromEntries(given) };
  try {
    const { maxNewTokens, ...sampling } = defaults;
    samplingSettings(sampling, config.decoder.vocabSize);
    if (!(Number.isInteger(maxNewTokens) && maxNewTokens >= 1))
      throw new RangeError(`maxNewTokens must be a whole number >= 1; found ${maxNewTokens}.`);
  } catch (error) {
    throw new RangeError(`generation_config.json cannot be used: ${(error as Error).message}`);
  }
  return defaults;
}

/** A request with the model's defaults: those of chance only where it asks for chance, since answers are greedy otherwise. */
export function withDefaults(options: GenerateOptions, defaults: GenerationDefaults): GenerateOptions {
  const { repetitionPenalty, temperature, topK, topP, minP } = defaults;
  const chance = options.doSample ?? asksForChance(options);
  const missing = Object.entries({ repetitionPenalty, ...(chance && { temperature, topK, topP, minP }) }).filter(
    ([name, value]) => value !== undefined && options[name as keyof GenerationDefaults] == null,
  );
  return { ...options, ...(chance && { doSample: true }), ...Object.fromEntries(missing) };
}

/** Of answers that train: the policy's own distribution, whatever the model's files prefer. */
export const UNCHANGED = { topP: 1, topK: Number.POSITIVE_INFINITY, minP: 0, repetitionPenalty: 1 } as const;
