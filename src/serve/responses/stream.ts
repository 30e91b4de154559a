/** @file A response as semantic server-sent events. */
import { type ApiLogprob, ShownLogprobs } from "../chat/logprobs.ts";
import type { ChatModel } from "../chat-model.ts";
import type { ApiError } from "../errors.ts";
import type { JobEvent } from "../job-events.ts";
import type { SseEvent } from "../sse.ts";
import {
  callItem,
  itemId,
  messageItem,
  type ResponseHead,
  reasoningItem,
  responseObject,
  textPart,
} from "./objects.ts";

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

  async function* events(source: AsyncIterable<JobEvent>): AsyncGenerator<SseEvent> {
    const shown = new ShownLogprobs(model.tokenizer);
    const logprobs: ApiLogprob[] = [];
    let begun = false;
    let output = -1;
    /** What ends the item that is being written. */
    let close: (() => Generator<SseEvent>) | undefined;
    const added = (item: object) => send("response.output_item.added", { output_index: ++output, item });
    const done = (item: object) => send("response.output_item.done", { output_index: output, item });

    function* openMessage(): Generator<SseEvent> {
      yield added(messageItem(head, "in_progress", []));
      const place = { item_id: itemId(head, "msg"), output_index: output, content_index: 0 };
      yield send("response.content_part.added", { ...place, part: textPart("", []) });
      message = { place, text: "" };
      close = function* () {
        const { text } = message!;
        yield send("response.output_text.done", { ...place, text, logprobs });
        yield send("response.content_part.done", { ...place, part: textPart(text, logprobs) });
        yield done(messageItem(head, "completed", [textPart(text, logprobs)]));
      };
    }
    let message: { place: object; text: string } | undefined;

    function* openReasoning(): Generator<SseEvent> {
      yield added(reasoningItem(head, "in_progress", ""));
      const place = { item_id: itemId(head, "rs"), output_index: output, content_index: 0 };
      reasoning = { place, text: "" };
      close = function* () {
        const { text } = reasoning!;
        yield send("response.reasoning_text.done", { ...place, text });
        yield done(reasoningItem(head, "completed", text));
      };
    }
    let reasoning: { place: object; text: string } | undefined;

    function* closed(): Generator<SseEvent> {
      if (close) yield* close();
      close = undefined;
    }

    for await (const event of source) {
      if (!begun) {
        begun = true;
        yield send("response.created", { response: responseObject(head) });
        yield send("response.in_progress", { response: responseObject(head) });
      }
      if (event.type === "text") {
        const scored = shown.push(event.text, event.token);
        logprobs.push(...scored);
        if (event.text === "" && scored.length === 0) continue;
        if (!message) {
          yield* closed();
          yield* openMessage();
        }
        message!.text += event.text;
        yield send("response.output_text.delta", { ...message!.place, delta: event.text, logprobs: scored });
      } else if (event.type === "reasoning") {
        shown.drop();
        if (event.text === "") continue;
        if (!reasoning) yield* openReasoning();
        reasoning!.text += event.text;
        yield send("response.reasoning_text.delta", { ...reasoning!.place, delta: event.text });
      } else if (event.type === "call") {
        shown.drop();
        yield* closed();
        const { index, call } = event;
        yield added(callItem(head, "in_progress", index, { ...call, arguments: "" }));
        close = function* () {
          const place = { item_id: itemId(head, "fc", index), output_index: output };
          yield send("response.function_call_arguments.done", { ...place, name: call.name, arguments: call.arguments });
          yield done(callItem(head, "completed", index, call));
        };
      } else if (event.type === "arguments") {
        const place = { item_id: itemId(head, "fc", event.index), output_index: output };
        yield send("response.function_call_arguments.delta", { ...place, delta: event.text });
      } else {
        const { result } = event;
        const rest = shown.end(result.finishReason);
        logprobs.push(...rest);
        // An answer without a word is still a message.
        if (!message && result.calls.length === 0) {
          yield* closed();
          yield* openMessage();
        }
        if (message && rest.length > 0)
          yield send("response.output_text.delta", { ...message.place, delta: "", logprobs: rest });
        yield* closed();
        const response = responseObject(head, { result, logprobs });
        yield send(`response.${response.status}`, { response });
      }
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
