/** @file The AI SDK's call options as the engine's, with a warning for each that has no counterpart. */
import type { LanguageModelV4CallOptions, SharedV4Warning } from "@ai-sdk/provider";
import type { GenerateOptions } from "../engine/index.ts";

/** The engine's seeds are 32-bit; larger ones are taken modulo. */
const SEEDS = 2 ** 32;

/**
 * Options for the engine. Chance is used only where the call asks for it by temperature, topP or topK; otherwise answers
 * are greedy, as everywhere in FlashVL.
 *
 * @example const { generateOptions, warnings } = toGenerateOptions({ prompt, temperature: 0.7 });
 */
export function toGenerateOptions(options: LanguageModelV4CallOptions): {
  generateOptions: GenerateOptions;
  warnings: SharedV4Warning[];
} {
  const { temperature, topP, topK, responseFormat } = options;
  const warnings: SharedV4Warning[] = [];
  const unsupported = (feature: string, details: string) => warnings.push({ type: "unsupported", feature, details });
  if (options.tools?.length) unsupported("tools", "FlashVL models do not call tools.");
  if (options.reasoning !== undefined && options.reasoning !== "provider-default" && options.reasoning !== "none") {
    unsupported("reasoning", "FlashVL models have no separate reasoning.");
  }
  const doSample = temperature === undefined ? topP !== undefined || topK !== undefined : temperature > 0;
  return {
    warnings,
    generateOptions: {
      maxNewTokens: options.maxOutputTokens,
      ...(doSample && { doSample, temperature: temperature ?? 1, topP, topK }),
      presencePenalty: options.presencePenalty,
      frequencyPenalty: options.frequencyPenalty,
      stop: options.stopSequences,
      seed: options.seed === undefined ? undefined : options.seed % SEEDS,
      signal: options.abortSignal,
      ...(responseFormat?.type === "json" && { schema: (responseFormat.schema ?? true) as GenerateOptions["schema"] }),
    },
  };
}
