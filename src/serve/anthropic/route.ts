/** @file POST /v1/messages and /v1/messages/count_tokens, as Anthropic's API has them. */
import { randomUUID } from "node:crypto";
import type { Hono } from "hono";
import type { Message } from "../../processor/index.ts";
import { answerRequest } from "../answer.ts";
import type { ServeContext, ServeEnv } from "../context.ts";
import { ApiError, errorBody } from "../errors.ts";
import { prepareMessages } from "../generation.ts";
import type { JobEvent, SplitResult } from "../job-events.ts";
import { assertServed } from "../models-route.ts";
import { openScope } from "../request-scope.ts";
import type { SseEvent } from "../sse.ts";
import { validate } from "../validate.ts";
import { countSchema, messagesRequestSchema } from "./schema.ts";
import { messagesToJob, toMessages, toolsOf } from "./to-job.ts";

const PATH = "/v1/messages";

/**
 * Adds both routes.
 *
 * @example messagesRoute(app, context);
 */
export function messagesRoute(app: Hono<ServeEnv>, context: ServeContext): void {
  app.post(PATH, (c) =>
    answerRequest(c, context, (body) => {
      const request = validate(messagesRequestSchema, body);
      const model = assertServed(request.model, context);
      const head = { id: `msg_${randomUUID().replaceAll("-", "")}`, type: "message", role: "assistant", model };
      return {
        job: messagesToJob(request, context.settings, context.model()),
        complete: async (source) => {
          for await (const event of source) if (event.type === "end") return { ...head, ...answered(event.result) };
          throw new Error("The model's stream ended without a result.");
        },
        stream: request.stream
          ? { events: (source) => streamed(source, head), failed: (error) => send("error", errorBody(PATH, error)) }
          : undefined,
      };
    }),
  );
  app.post(`${PATH}/count_tokens`, async (c) => {
    const model = context.model();
    if (!model.countTokens)
      throw new ApiError(501, "This server's model does not count tokens.", { code: "unavailable" });
    const scope = openScope(c, context);
    try {
      const body = await context.bodies.readJson(c.req.raw);
      scope.onEnd(body.free);
      const request = validate(countSchema, body.json);
      assertServed(request.model, context);
      const { slot, messages } = await prepareMessages(context, toMessages(request, context.settings), scope.signal);
      try {
        return c.json({ input_tokens: await model.countTokens(messages as Message[], toolsOf(request)) });
      } finally {
        slot.release();
      }
    } finally {
      scope.end();
    }
  });
}

const STOP_REASONS = { stop: "end_turn", length: "max_tokens", tool_calls: "tool_use", abort: "end_turn" } as const;

function answered(result: SplitResult) {
  const { text, reasoning, calls, finishReason, stopString } = result;
  return {
    content: [
      ...(reasoning === "" ? [] : [{ type: "thinking", thinking: reasoning, signature: "" }]),
      ...(text === "" ? [] : [{ type: "text", text }]),
      ...calls.map(({ id, name, arguments: args }) => ({ type: "tool_use", id, name, input: parsed(args) })),
    ],
    stop_reason: stopString === undefined ? STOP_REASONS[finishReason] : "stop_sequence",
    stop_sequence: stopString ?? null,
    usage: usageOf(result),
  };
}

/** Arguments that were cut off are no JSON; the client is told of the cut by the reason to stop. */
function parsed(args: string): unknown {
  try {
    return JSON.parse(args);
  } catch {
    return {};
  }
}

const usageOf = ({ usage }: SplitResult) => ({
  input_tokens: usage.promptTokens - usage.cachedTokens,
  cache_read_input_tokens: usage.cachedTokens,
  cache_creation_input_tokens: 0,
  output_tokens: usage.completionTokens,
});

const send = (type: string, body: object): SseEvent => ({ event: type, data: JSON.stringify({ type, ...body }) });

async function* streamed(source: AsyncIterable<JobEvent>, head: object): AsyncGenerator<SseEvent> {
  const usage = { input_tokens: 0, output_tokens: 0, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
  const message = { ...head, content: [], stop_reason: null, stop_sequence: null, usage };
  let index = -1;
  let open: JobEvent["type"] | undefined;
  let begun = false;
  const block = (content_block: object) => send("content_block_start", { index: ++index, content_block });
  const delta = (body: object) => send("content_block_delta", { index, delta: body });
  function* begin(type: "text" | "reasoning" | "call", content_block: object): Generator<SseEvent> {
    yield* end();
    open = type;
    yield block(content_block);
  }
  function* end(): Generator<SseEvent> {
    if (open) yield send("content_block_stop", { index });
    open = undefined;
  }
  for await (const event of source) {
    if (!begun) yield send("message_start", { message });
    begun = true;
    if (event.type === "text" && event.text !== "") {
      if (open !== "text") yield* begin("text", { type: "text", text: "" });
      yield delta({ type: "text_delta", text: event.text });
    } else if (event.type === "reasoning" && event.text !== "") {
      if (open !== "reasoning") yield* begin("reasoning", { type: "thinking", thinking: "", signature: "" });
      yield delta({ type: "thinking_delta", thinking: event.text });
    } else if (event.type === "call") {
      const { id, name } = event.call;
      yield* begin("call", { type: "tool_use", id, name, input: {} });
    } else if (event.type === "arguments") yield delta({ type: "input_json_delta", partial_json: event.text });
    else if (event.type === "end") {
      yield* end();
      const { stop_reason, stop_sequence, usage } = answered(event.result);
      yield send("message_delta", { delta: { stop_reason, stop_sequence }, usage });
      yield send("message_stop", {});
    }
  }
}
