/** @file Token counts in OpenAI's shape, summed over the answers of one request. */
import type { Usage } from "../engine/index.ts";

/** `usage` of a chat completion. */
export interface ApiUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: { cached_tokens: number; image_tokens: number };
}

/**
 * Usage of a request: its prompt counts once however many answers it has, as OpenAI counts.
 *
 * @example const usage = sumUsage(results.map((result) => result.usage));
 */
export function sumUsage(usages: readonly Usage[]): ApiUsage {
  const [first] = usages;
  const completion = usages.reduce((sum, usage) => sum + usage.completionTokens, 0);
  const prompt = first?.promptTokens ?? 0;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: first?.cachedTokens ?? 0, image_tokens: first?.imageTokens ?? 0 },
  };
}
