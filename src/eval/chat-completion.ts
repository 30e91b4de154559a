/** @file One chat completion of any OpenAI-compatible endpoint. */
import { EndpointError, postJson, type RetryPolicy } from "./http-retry.ts";

export interface Endpoint {
  /** Up to and without `/chat/completions`, e.g. `http://127.0.0.1:8000/v1`. */
  baseUrl: string;
  model: string;
  apiKey?: string;
  policy?: RetryPolicy;
}

export interface Completion {
  text: string;
  promptTokens: number;
  completionTokens: number;
}

/**
 * @param body everything but `model`: messages, max_tokens, temperature
 * @throws EndpointError when the endpoint refuses, stays unreachable, or answers without a choice
 */
export async function chatCompletion(
  endpoint: Endpoint,
  body: Record<string, unknown>,
  signal?: AbortSignal,
): Promise<Completion> {
  const url = `${endpoint.baseUrl.replace(/\/+$/, "")}/chat/completions`;
  const { apiKey, policy } = endpoint;
  const reply = (await postJson(url, { model: endpoint.model, ...body }, { apiKey, policy, signal })) as {
    choices?: { message?: { content?: unknown } }[];
    usage?: { prompt_tokens?: number; completion_tokens?: number };
  } | null;
  const choice = reply?.choices?.[0]?.message;
  if (!choice) {
    throw new EndpointError(`${url} answered without choices[0].message; expected an OpenAI-compatible reply.`, 200);
  }
  // Endpoints differ in how they say "nothing": null, or no content at all.
  const text = typeof choice.content === "string" ? choice.content : "";
  const { prompt_tokens: promptTokens = 0, completion_tokens: completionTokens = 0 } = reply?.usage ?? {};
  return { text, promptTokens, completionTokens };
}
