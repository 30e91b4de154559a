/** @file POST /v1/completions: OpenAI's older door, for tools that write their prompts themselves. */
import { randomUUID } from "node:crypto";
import type { Hono } from "hono";
import { answerRequest } from "../answer.ts";
import { chatToJob } from "../chat/to-job.ts";
import type { ServeContext, ServeEnv } from "../context.ts";
import type { JobEvent, SplitResult } from "../job-events.ts";
import { assertServed } from "../models-route.ts";
import type { SseEvent } from "../sse.ts";
import { sumUsage } from "../usage.ts";
import { validate } from "../validate.ts";
import { type CompletionRequest, completionRequestSchema } from "./schema.ts";

/**
 * Adds the completions route.
 *
 * @example completionsRoute(app, context);
 */
export function completionsRoute(app: Hono<ServeEnv>, context: ServeContext): void {
  app.post("/v1/completions", (c) =>
    answerRequest(c, context, (body) => {
      const { prompt, echo, suffix, ...request } = validate(completionRequestSchema, body);
      const model = assertServed(request.model, context);
      const head = {
        id: `cmpl-${randomUUID()}`,
        object: "text_completion",
        created: Math.floor(Date.now() / 1000),
        model,
      };
      const includeUsage = request.stream_options?.include_usage ?? false;
      return {
        raw: true,
        job: {
          ...chatToJob({ ...request, messages: [] }, context.settings, context.model()),
          raw: { prompt: promptOf(prompt) },
        },
        complete: async (source) => {
          const results: SplitResult[] = [];
          for await (const event of source) if (event.type === "end") results.push(event.result);
          const choices = results.map(({ text, finishReason }, index) => choice(index, text, finishReason));
          return { ...head, choices, usage: sumUsage(results) };
        },
        stream: request.stream
          ? {
              events: (source) => streamed(source, head, includeUsage),
              failed: (error) => ({ data: JSON.stringify(error.toBody()) }),
            }
          : undefined,
      };
    }),
  );
}

/** A list of one text is that text. */
function promptOf(prompt: CompletionRequest["prompt"]): string | number[] {
  if (typeof prompt === "string") return prompt;
  const [first] = prompt;
  return typeof first === "string" ? first : (prompt as number[]);
}

const choice = (index: number, text: string, finishReason: string | null) => ({
  index,
  text,
  logprobs: null,
  finish_reason: finishReason,
});

async function* streamed(
  source: AsyncIterable<JobEvent>,
  head: object,
  includeUsage: boolean,
): AsyncGenerator<SseEvent> {
  const results: SplitResult[] = [];
  const send = (body: object): SseEvent => ({ data: JSON.stringify({ ...head, ...body }) });
  for await (const event of source) {
    if (event.type === "text" && event.text !== "") yield send({ choices: [choice(event.choice, event.text, null)] });
    if (event.type !== "end") continue;
    results.push(event.result);
    yield send({ choices: [choice(event.choice, "", event.result.finishReason)] });
  }
  if (includeUsage) yield send({ choices: [], usage: sumUsage(results) });
  yield { data: "[DONE]" };
}
