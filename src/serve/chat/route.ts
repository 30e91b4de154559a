/** @file POST /v1/chat/completions. */
import { randomUUID } from "node:crypto";
import type { Hono } from "hono";
import { answerRequest } from "../answer.ts";
import type { ServeContext, ServeEnv } from "../context.ts";
import { assertServed } from "../models-route.ts";
import { validate } from "../validate.ts";
import { type AnswerHead, completeChat } from "./complete.ts";
import { chatRequestSchema, strictChatSchema } from "./schema.ts";
import { streamChat } from "./stream.ts";
import { chatToJob } from "./to-job.ts";

/**
 * Adds the chat completions route.
 *
 * @example chatRoute(app, context);
 */
export function chatRoute(app: Hono<ServeEnv>, context: ServeContext): void {
  app.post("/v1/chat/completions", (c) =>
    answerRequest(c, context, (body) => {
      const request = validate(context.settings.strict ? strictChatSchema : chatRequestSchema, body);
      const name = assertServed(request.model, context);
      const model = context.model();
      const head: AnswerHead = {
        id: `chatcmpl-${randomUUID()}`,
        created: Math.floor(Date.now() / 1000),
        model: name,
        system_fingerprint: context.fingerprint(),
      };
      const includeUsage = request.stream_options?.include_usage ?? false;
      const withIds = request.return_token_ids ?? false;
      return {
        raw: request.reasoning_format === "none",
        job: chatToJob(request, context.settings, model),
        complete: (source) => completeChat(source, model, head, withIds),
        stream: request.stream
          ? {
              events: (source) => streamChat(source, model, head, { includeUsage, withIds }),
              failed: (error) => ({ data: JSON.stringify(error.toBody()) }),
            }
          : undefined,
      };
    }),
  );
}
