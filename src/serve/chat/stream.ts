/** @file A chat completion as server-sent chunks. */
import type { Usage } from "../../engine/index.ts";
import type { ChatModel } from "../chat-model.ts";
import type { JobEvent } from "../generation.ts";
import type { SseEvent } from "../sse.ts";
import { sumUsage } from "../usage.ts";
import type { AnswerHead } from "./complete.ts";
import { toLogprob } from "./logprobs.ts";

/**
 * Turns a job's events into OpenAI's `chat.completion.chunk` events, `[DONE]` included.
 *
 * @example for await (const { data } of streamChat(events, model, head, { includeUsage: false })) console.log(data);
 */
export async function* streamChat(
  events: AsyncIterable<JobEvent>,
  model: ChatModel,
  head: AnswerHead,
  { includeUsage, withIds = false }: { includeUsage: boolean; withIds?: boolean },
): AsyncGenerator<SseEvent> {
  const usages: Usage[] = [];
  const begun = new Set<number>();
  const chunk = (body: object): SseEvent => ({
    data: JSON.stringify({
      ...head,
      object: "chat.completion.chunk",
      ...body,
      ...(includeUsage && !("usage" in body) && { usage: null }),
    }),
  });
  const choice = (index: number, delta: object, more: object = {}) =>
    chunk({ choices: [{ index, delta, logprobs: null, finish_reason: null, ...more }] });

  for await (const event of events) {
    const index = event.choice;
    if (!begun.has(index)) {
      begun.add(index);
      yield choice(index, { role: "assistant", content: "" });
    }
    if (event.type === "text") {
      // A token may end inside a character and so bring no text yet; its logprob must be sent all the same.
      const ids = withIds && event.id !== undefined ? { token_ids: [event.id] } : undefined;
      if (event.text === "" && !event.token && !ids) continue;
      const logprobs = event.token ? { content: [toLogprob(model.tokenizer, event.token)], refusal: null } : null;
      yield choice(index, { content: event.text }, { logprobs, ...ids });
    } else {
      usages.push(event.result.usage);
      yield choice(index, {}, { finish_reason: event.result.finishReason });
    }
  }
  if (includeUsage) yield chunk({ choices: [], usage: sumUsage(usages) });
  yield { data: "[DONE]" };
}
