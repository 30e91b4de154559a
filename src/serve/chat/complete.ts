/** @file A chat completion in one JSON answer. */
import type { ChatModel } from "../chat-model.ts";
import type { ApiCall, JobEvent, SplitResult } from "../job-events.ts";
import { sumUsage } from "../usage.ts";
import { type ApiLogprob, ShownLogprobs } from "./logprobs.ts";

/** What every chunk and completion of one request carries. */
export interface AnswerHead {
  id: string;
  created: number;
  model: string;
  system_fingerprint: string;
}

/**
 * Collects a job's events into a `chat.completion` object.
 *
 * @example return c.json(await completeChat(events, model, { id, created, model: "flashvl-2b", system_fingerprint }));
 */
export async function completeChat(
  events: AsyncIterable<JobEvent>,
  model: ChatModel,
  head: AnswerHead,
  withIds = false,
) {
  const choices = [];
  const results: SplitResult[] = [];
  const shown = new ShownLogprobs(model.tokenizer);
  let logprobs: ApiLogprob[] | null = null;
  for await (const event of events) {
    if (event.type === "text") {
      if (event.token) logprobs ??= [];
      logprobs?.push(...shown.push(event.text, event.token));
    } else if (event.type !== "end") shown.drop();
    else {
      const { result, choice } = event;
      logprobs?.push(...shown.end(result.finishReason));
      choices.push({
        index: choice,
        message: messageOf(result),
        logprobs: logprobs && { content: logprobs, refusal: null },
        finish_reason: result.finishReason,
        ...(withIds && { token_ids: result.tokens }),
      });
      results.push(result);
      logprobs = null;
    }
  }
  return { ...head, object: "chat.completion" as const, choices, usage: sumUsage(results) };
}

function messageOf({ text, reasoning, calls }: SplitResult) {
  return {
    role: "assistant" as const,
    content: calls.length > 0 && text === "" ? null : text,
    refusal: null,
    ...(reasoning !== "" && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls.map(toToolCall) }),
  };
}

/** A call in OpenAI's shape. */
export const toToolCall = ({ id, name, arguments: args }: ApiCall) => ({
  id,
  type: "function" as const,
  function: { name, arguments: args },
});
