/** @file The objects of the Responses API that answers are made of. */

import type { Usage } from "../../engine/index.ts";
import type { ApiLogprob } from "../chat/logprobs.ts";
import type { ChatResult } from "../chat-model.ts";
import type { ResponsesRequest } from "./schema.ts";

/** Ids and names that stay the same from the first event of a response to its last. */
export interface ResponseHead {
  id: string;
  itemId: string;
  createdAt: number;
  model: string;
  request: ResponsesRequest;
}

/** The `output_text` part of a message. */
export function textPart(text: string, logprobs: ApiLogprob[]) {
  return { type: "output_text" as const, text, annotations: [], logprobs };
}

/** The one output item of a response: the assistant's message. */
export function messageItem(
  head: ResponseHead,
  status: "in_progress" | "completed" | "incomplete",
  content: ReturnType<typeof textPart>[],
) {
  return { id: head.itemId, type: "message" as const, status, role: "assistant" as const, content };
}

/**
 * A response object; without a result it is in progress.
 *
 * @example const response = responseObject(head);
 */
export function responseObject(head: ResponseHead, end?: { result: ChatResult; logprobs: ApiLogprob[] }) {
  const { request } = head;
  const status = end === undefined ? "in_progress" : end.result.finishReason === "stop" ? "completed" : "incomplete";
  return {
    id: head.id,
    object: "response" as const,
    created_at: head.createdAt,
    completed_at: status === "completed" ? Math.floor(Date.now() / 1000) : null,
    status,
    background: false,
    error: null,
    incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" as const } : null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: null,
    model: head.model,
    output: end
      ? [
          messageItem(head, status === "completed" ? "completed" : "incomplete", [
            textPart(end.result.text, end.logprobs),
          ]),
        ]
      : [],
    parallel_tool_calls: false,
    previous_response_id: null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    reasoning: null,
    safety_identifier: request.safety_identifier ?? null,
    service_tier: "default",
    store: false,
    temperature: request.temperature ?? 0,
    text: { format: request.text?.format ?? { type: "text" } },
    tool_choice: "none",
    tools: [],
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    truncation: "disabled",
    usage: end ? responseUsage(end.result.usage) : null,
    user: request.user ?? null,
    metadata: request.metadata ?? {},
  };
}

function responseUsage(usage: Usage) {
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens },
    output_tokens: usage.completionTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.promptTokens + usage.completionTokens,
  };
}
