/** @file The AI SDK's call options as the engine's, with a warning for each that has no counterpart. */
import type { LanguageModelV3CallOptions, SharedV3Warning } from "@ai-sdk/provider";
import { asksForChance, type GenerateOptions } from "../engine/index.ts";

/**
 * Options for the engine. Chance is used only where the call asks for it by temperature, topP or topK; otherwise answers
 * are greedy, as everywhere in FlashVL.
 *
 * @example const { generateOptions, warnings } = toGenerateOptions({ prompt, temperature: 0.7 });
 */
export function toGenerateOptions(options: LanguageModelV3CallOptions): {
  generateOptions: GenerateOptions;
  warnings: SharedV3Warning[];
} {
  const { temperature, topP, topK, responseFormat } = options;
  const warnings: SharedV3Warning[] = [];
  const unsupported = (feature: string, details: string) => warnings.push({ type: "unsupported", feature, details });
  const tools = (options.tools ?? []).flatMap((tool) => {
    if (tool.type !== "function") {
      unsupported(`tool ${tool.name}`, "FlashVL models call functions only.");
      return [];
    }
    const { name, description, inputSchema } = tool;
    return [{ name, description, parameters: inputSchema as Record<string, unknown> }];
  });
  const { toolChoice } = options;
  const doSample = asksForChance({ temperature, topK, topP });
  return {
    warnings,
    generateOptions: {
      maxNewTokens: options.maxOutputTokens,
      ...(doSample && { doSample, temperature: temperature ?? 1, topP, topK }),
      presencePenalty: options.presencePenalty,
      frequencyPenalty: options.frequencyPenalty,
      stop: options.stopSequences,
      seed: options.seed,
      signal: options.abortSignal,
      ...(tools.length > 0 && {
        tools,
        toolChoice: toolChoice?.type === "tool" ? { name: toolChoice.toolName } : toolChoice?.type,
      }),
      ...(responseFormat?.type === "json" && { schema: (responseFormat.schema ?? true) as GenerateOptions["schema"] }),
    },
  };
}
