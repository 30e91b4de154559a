/** @file A chat completion in one JSON answer. */
import type { Usage } from "../../engine/index.ts";
import type { ChatModel } from "../chat-model.ts";
import type { JobEvent } from "../generation.ts";
import { sumUsage } from "../usage.ts";
import { type ApiLogprob, toLogprob } from "./logprobs.ts";

/** What every chunk and completion of one request carries. */
export interface AnswerHead {
  id: string;
  created: number;
  model: string;
}

/**
 * Collects a job's events into a `chat.completion` object.
 *
 * @example return c.json(await completeChat(events, model, { id, created, model: "flashvl-2b" }));
 */
export async function completeChat(
  events: AsyncIterable<JobEvent>,
  model: ChatModel,
  head: AnswerHead,
  withIds = false,
) {
  const choices = [];
  const usages: Usage[] = [];
  let logprobs: ApiLogprob[] | null = null;
  for await (const event of events) {
    if (event.type === "text") {
      if (event.token) {
        logprobs ??= [];
        logprobs.push(toLogprob(model.tokenizer, event.token));
      }
      continue;
    }
    choices.push({
      index: event.choice,
      message: { role: "assistant" as const, content: event.result.text, refusal: null },
      logprobs: logprobs && { content: logprobs, refusal: null },
      finish_reason: event.result.finishReason,
      ...(withIds && { token_ids: event.result.tokens }),
    });
    usages.push(event.result.usage);
    logprobs = null;
  }
  return { ...head, object: "chat.completion" as const, choices, usage: sumUsage(usages) };
}
