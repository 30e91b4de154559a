/** @file Ends of answers and token counts in the AI SDK's form. */
import type { LanguageModelV3FinishReason, LanguageModelV3Usage } from "@ai-sdk/provider";
import type { FinishReason, Usage } from "../engine/index.ts";

/** Why an answer ended. */
export function toFinishReason(reason: FinishReason, called = false): LanguageModelV3FinishReason {
  if (called && reason === "stop") return { unified: "tool-calls", raw: reason };
  return { unified: reason === "abort" ? "other" : reason, raw: reason };
}

/** Token counts; what the prefix cache knew already is told as cache reads. */
export function toUsage({ promptTokens, completionTokens, cachedTokens }: Usage): LanguageModelV3Usage {
  return {
    inputTokens: {
      total: promptTokens,
      noCache: promptTokens - cachedTokens,
      cacheRead: cachedTokens,
      cacheWrite: undefined,
    },
    outputTokens: { total: completionTokens, text: completionTokens, reasoning: undefined },
  };
}
