/** @file Ollama's API: /api/chat, /api/generate, /api/tags, /api/show and /api/version. */
import type { Hono } from "hono";
import { answerRequest } from "../answer.ts";
import type { ServeContext, ServeEnv } from "../context.ts";
import { errorBody } from "../errors.ts";
import type { ApiCall, JobEvent, SplitResult } from "../job-events.ts";
import { assertServed, servedNames } from "../models-route.ts";
import type { SseEvent } from "../sse.ts";
import { validate } from "../validate.ts";
import { version } from "../version.ts";
import { ollamaChatSchema, ollamaGenerateSchema, ollamaShowSchema } from "./schema.ts";
import { chatJob, generateJob } from "./to-job.ts";

/** Nanoseconds of a millisecond: Ollama's durations. */
const NANOSECONDS = 1e6;

/** How a door writes a piece of an answer. */
type Piece = (text: string, reasoning: string, calls: readonly ApiCall[]) => object;

/**
 * Adds the routes.
 *
 * @example ollamaRoutes(app, context);
 */
export function ollamaRoutes(app: Hono<ServeEnv>, context: ServeContext): void {
  const served = (name: string) => assertServed(name.replace(/:latest$/, ""), context);
  const details = {
    format: "safetensors",
    family: "flashvl",
    families: ["flashvl"],
    parameter_size: "",
    quantization_level: "",
  };
  app.get("/api/version", (c) => c.json({ version }));
  app.get("/api/tags", (c) => {
    const modified_at = new Date(context.startedAt * 1000).toISOString();
    const digest = context.fingerprint();
    return c.json({
      models: servedNames(context).map((name) => ({ name, model: name, modified_at, size: 0, digest, details })),
    });
  });
  app.post("/api/show", async (c) => {
    const body = await context.bodies.readJson(c.req.raw);
    try {
      served(validate(ollamaShowSchema, body.json).model);
    } finally {
      body.free();
    }
    const model_info = { "general.architecture": "flashvl", "flashvl.context_length": context.model().info.maxContext };
    return c.json({ details, model_info, capabilities: ["completion", "vision", "tools"] });
  });
  app.post("/api/chat", (c) =>
    answerRequest(c, context, (body) => {
      const request = validate(ollamaChatSchema, body);
      const head = { model: request.model };
      served(request.model);
      return {
        job: chatJob(request, context.settings, context.model()),
        raw: request.think === false,
        ...formats(head, messagePiece, request.stream, c.get("arrived")),
      };
    }),
  );
  app.post("/api/generate", (c) =>
    answerRequest(c, context, (body) => {
      const request = validate(ollamaGenerateSchema, body);
      const head = { model: request.model };
      served(request.model);
      return {
        job: generateJob(request, context.settings, context.model()),
        raw: request.think === false || request.raw === true,
        ...formats(head, responsePiece, request.stream, c.get("arrived")),
      };
    }),
  );
}

const messagePiece: Piece = (content, thinking, calls) => ({
  message: {
    role: "assistant",
    content,
    ...(thinking !== "" && { thinking }),
    ...(calls.length > 0 && { tool_calls: calls.map(toCall) }),
  },
});
const responsePiece: Piece = (response, thinking) => ({ response, ...(thinking !== "" && { thinking }) });

/** Ollama gives arguments as an object; those that were cut off are left out. */
function toCall({ name, arguments: args }: ApiCall) {
  try {
    return { function: { name, arguments: JSON.parse(args) } };
  } catch {
    return { function: { name, arguments: {} } };
  }
}

function formats(head: object, piece: Piece, stream = true, arrived = performance.now()) {
  const line = (body: object) => ({ ...head, created_at: new Date().toISOString(), ...body });
  const done = ({ finishReason, usage }: SplitResult) => ({
    done: true,
    done_reason: finishReason === "length" ? "length" : "stop",
    total_duration: Math.round((performance.now() - arrived) * NANOSECONDS),
    load_duration: 0,
    prompt_eval_count: usage.promptTokens,
    eval_count: usage.completionTokens,
  });
  async function* events(source: AsyncIterable<JobEvent>): AsyncGenerator<SseEvent> {
    const send = (body: object): SseEvent => ({ data: JSON.stringify(line(body)) });
    for await (const event of source) {
      if (event.type === "text" && event.text !== "") yield send({ ...piece(event.text, "", []), done: false });
      else if (event.type === "reasoning" && event.text !== "")
        yield send({ ...piece("", event.text, []), done: false });
      else if (event.type === "end") {
        // Ollama's clients take a call whole.
        const { calls } = event.result;
        if (calls.length > 0) yield send({ ...piece("", "", calls), done: false });
        yield send({ ...piece("", "", []), ...done(event.result) });
      }
    }
  }
  return {
    complete: async (source: AsyncIterable<JobEvent>) => {
      for await (const event of source) {
        if (event.type !== "end") continue;
        const { text, reasoning, calls } = event.result;
        return line({ ...piece(text, reasoning, calls), ...done(event.result) });
      }
      throw new Error("The model's stream ended without a result.");
    },
    stream: stream
      ? {
          events,
          failed: (error: Parameters<typeof errorBody>[1]) => ({ data: JSON.stringify(errorBody("/api/", error)) }),
          lines: true,
        }
      : undefined,
  };
}
