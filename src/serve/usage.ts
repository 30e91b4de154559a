/** @file Token counts in OpenAI's shape, summed over the answers of one request. */
import type { SplitResult } from "./job-events.ts";

/** `usage` of a chat completion. */
export interface ApiUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: { cached_tokens: number; image_tokens: number; image_tiles?: number };
  completion_tokens_details: { reasoning_tokens: number };
}

/**
 * Usage of a request: its prompt counts once however many answers it has, as OpenAI counts.
 *
 * @example const usage = sumUsage(results);
 */
export function sumUsage(results: readonly Pick<SplitResult, "usage" | "reasoningTokens">[]): ApiUsage {
  const first = results[0]?.usage;
  const completion = results.reduce((sum, { usage }) => sum + usage.completionTokens, 0);
  const prompt = first?.promptTokens ?? 0;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      cached_tokens: first?.cachedTokens ?? 0,
      image_tokens: first?.imageTokens ?? 0,
      ...(first?.imageTiles !== undefined && { image_tiles: first.imageTiles }),
    },
    completion_tokens_details: { reasoning_tokens: results.reduce((sum, result) => sum + result.reasoningTokens, 0) },
  };
}
