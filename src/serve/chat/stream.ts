/** @file A chat completion as server-sent chunks. */
import type { ChatModel } from "../chat-model.ts";
import type { JobEvent, SplitResult } from "../job-events.ts";
import type { SseEvent } from "../sse.ts";
import { sumUsage } from "../usage.ts";
import { type AnswerHead, toToolCall } from "./complete.ts";
import { type ApiLogprob, ShownLogprobs } from "./logprobs.ts";

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
  const results: SplitResult[] = [];
  const begun = new Set<number>();
  /** Ids of tokens whose text is held back. */
  const ids: number[] = [];
  const shown = new ShownLogprobs(model.tokenizer);
  const scored = (scores: ApiLogprob[]) => (scores.length > 0 ? { content: scores, refusal: null } : null);
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
    if (withIds && "id" in event && event.id !== undefined) ids.push(event.id);
    /** Ids of tokens that have been told completely; of those with logprobs, as many as there are scores. */
    const told = (count = ids.length) => (withIds && count > 0 ? { token_ids: ids.splice(0, count) } : undefined);
    switch (event.type) {
      case "text": {
        const scores = shown.push(event.text, event.token);
        const tokens = told(event.token ? scores.length : undefined);
        if (event.text === "" && scores.length === 0 && !tokens) break;
        yield choice(index, { content: event.text }, { logprobs: scored(scores), ...tokens });
        break;
      }
      case "reasoning": {
        shown.drop();
        const tokens = told();
        if (event.text !== "" || tokens) yield choice(index, { reasoning_content: event.text }, tokens);
        break;
      }
      case "call":
        shown.drop();
        yield choice(
          index,
          { tool_calls: [{ index: event.index, ...toToolCall({ ...event.call, arguments: "" }) }] },
          told(),
        );
        break;
      case "arguments":
        yield choice(index, { tool_calls: [{ index: event.index, function: { arguments: event.text } }] }, told());
        break;
      default: {
        const { finishReason } = event.result;
        const rest = shown.end(finishReason);
        results.push(event.result);
        yield choice(index, {}, { logprobs: scored(rest), finish_reason: finishReason, ...told(rest.length) });
        ids.length = 0;
      }
    }
  }
  if (includeUsage) yield chunk({ choices: [], usage: sumUsage(results) });
  yield { data: "[DONE]" };
}
