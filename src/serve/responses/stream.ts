/** @file A response as semantic server-sent events. */
import { type ApiLogprob, toLogprob } from "../chat/logprobs.ts";
import type { ChatModel } from "../chat-model.ts";
import type { ApiError } from "../errors.ts";
import type { JobEvent } from "../generation.ts";
import type { SseEvent } from "../sse.ts";
import { messageItem, type ResponseHead, responseObject, textPart } from "./objects.ts";

/** The events of one response, numbered in order; `failed` continues the numbers. */
export interface ResponseEvents {
  events(source: AsyncIterable<JobEvent>): AsyncGenerator<SseEvent>;
  failed(error: ApiError): SseEvent;
}

/**
 * Turns a job's events into `response.created` … `response.completed`.
 *
 * @example const { events, failed } = responseEvents(model, head);
 */
export function responseEvents(model: ChatModel, head: ResponseHead): ResponseEvents {
  let sequence = 0;
  const send = (type: string, body: object): SseEvent => ({
    event: type,
    data: JSON.stringify({ type, sequence_number: sequence++, ...body }),
  });
  const place = { item_id: head.itemId, output_index: 0, content_index: 0 };

  async function* events(source: AsyncIterable<JobEvent>): AsyncGenerator<SseEvent> {
    const logprobs: ApiLogprob[] = [];
    let begun = false;
    for await (const event of source) {
      if (!begun) {
        begun = true;
        yield send("response.created", { response: responseObject(head) });
        yield send("response.in_progress", { response: responseObject(head) });
        yield send("response.output_item.added", { output_index: 0, item: messageItem(head, "in_progress", []) });
        yield send("response.content_part.added", { ...place, part: textPart("", []) });
      }
      if (event.type === "text") {
        const scored = event.token ? [toLogprob(model.tokenizer, event.token)] : [];
        logprobs.push(...scored);
        if (event.text !== "" || scored.length > 0) {
          yield send("response.output_text.delta", { ...place, delta: event.text, logprobs: scored });
        }
        continue;
      }
      const { result } = event;
      const response = responseObject(head, { result, logprobs });
      yield send("response.output_text.done", { ...place, text: result.text, logprobs });
      yield send("response.content_part.done", { ...place, part: textPart(result.text, logprobs) });
      yield send("response.output_item.done", { output_index: 0, item: response.output[0] });
      yield send(`response.${response.status}`, { response });
    }
  }

  return {
    events,
    failed: (error) =>
      send("response.failed", {
        response: {
          ...responseObject(head),
          status: "failed",
          error: { code: error.code ?? "server_error", message: error.message },
        },
      }),
  };
}
