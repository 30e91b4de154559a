/** @file The objects of the Responses API that answers are made of. */
import type { ApiLogprob } from "../chat/logprobs.ts";
import type { ApiCall, SplitResult } from "../job-events.ts";
import type { ResponsesRequest } from "./schema.ts";

/** Ids and names that stay the same from the first event of a response to its last. */
export interface ResponseHead {
  id: string;
  createdAt: number;
  model: string;
  request: ResponsesRequest;
}

type ItemStatus = "in_progress" | "completed" | "incomplete";

/** The `output_text` part of a message. */
export function textPart(text: string, logprobs: ApiLogprob[]) {
  return { type: "output_text" as const, text, annotations: [], logprobs };
}

/** The id of an output item of one response; each kind has its own prefix, as with OpenAI. */
export const itemId = (head: ResponseHead, prefix: "msg" | "rs" | "fc", index = 0): string =>
  `${prefix}_${head.id.slice("resp_".length)}${index > 0 ? `_${index}` : ""}`;

/** The assistant's message. */
export function messageItem(head: ResponseHead, status: ItemStatus, content: ReturnType<typeof textPart>[]) {
  return { id: itemId(head, "msg"), type: "message" as const, status, role: "assistant" as const, content };
}

/** The model's working. */
export function reasoningItem(head: ResponseHead, status: ItemStatus, text: string) {
  const content = text === "" ? [] : [{ type: "reasoning_text" as const, text }];
  return { id: itemId(head, "rs"), type: "reasoning" as const, status, summary: [], content };
}

/** A call of a function. */
export function callItem(head: ResponseHead, status: ItemStatus, index: number, call: ApiCall) {
  return {
    id: itemId(head, "fc", index),
    type: "function_call" as const,
    status,
    call_id: call.id,
    name: call.name,
    arguments: call.arguments,
  };
}

/** The items of a complete answer, in the order in which they were written. */
function outputItems(
  head: ResponseHead,
  status: ItemStatus,
  { text, reasoning, calls }: SplitResult,
  logprobs: ApiLogprob[],
) {
  return [
    ...(reasoning !== "" ? [reasoningItem(head, status, reasoning)] : []),
    ...(text !== "" || calls.length === 0 ? [messageItem(head, status, [textPart(text, logprobs)])] : []),
    ...calls.map((call, index) => callItem(head, status, index, call)),
  ];
}

/**
 * A response object; without a result it is in progress.
 *
 * @example const response = responseObject(head);
 */
export function responseObject(head: ResponseHead, end?: { result: SplitResult; logprobs: ApiLogprob[] }) {
  const { request } = head;
  const status = end === undefined ? "in_progress" : end.result.finishReason === "length" ? "incomplete" : "completed";
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
    output: end ? outputItems(head, status === "completed" ? "completed" : "incomplete", end.result, end.logprobs) : [],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    reasoning: request.reasoning ?? null,
    safety_identifier: request.safety_identifier ?? null,
    service_tier: "default",
    store: false,
    temperature: request.temperature ?? 0,
    text: { format: request.text?.format ?? { type: "text" } },
    tool_choice: request.tool_choice ?? "auto",
    tools: request.tools ?? [],
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    truncation: "disabled",
    usage: end ? responseUsage(end.result) : null,
    user: request.user ?? null,
    metadata: request.metadata ?? {},
  };
}

function responseUsage({ usage, reasoningTokens }: SplitResult) {
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens },
    output_tokens: usage.completionTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: usage.promptTokens + usage.completionTokens,
  };
}
