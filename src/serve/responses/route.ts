/** @file POST /v1/responses. */
import { randomUUID } from "node:crypto";
import type { Hono } from "hono";
import { answerRequest } from "../answer.ts";
import { type ApiLogprob, toLogprob } from "../chat/logprobs.ts";
import type { ChatModel } from "../chat-model.ts";
import type { ServeContext, ServeEnv } from "../context.ts";
import type { JobEvent } from "../generation.ts";
import { assertServed } from "../models-route.ts";
import { validate } from "../validate.ts";
import { type ResponseHead, responseObject } from "./objects.ts";
import { responsesRequestSchema } from "./schema.ts";
import { responseEvents } from "./stream.ts";
import { responsesToJob } from "./to-job.ts";

/**
 * Adds the responses route.
 *
 * @example responsesRoute(app, context);
 */
export function responsesRoute(app: Hono<ServeEnv>, context: ServeContext): void {
  app.post("/v1/responses", (c) =>
    answerRequest(c, context, (body) => {
      const request = validate(responsesRequestSchema, body);
      const id = randomUUID().replaceAll("-", "");
      const head: ResponseHead = {
        id: `resp_${id}`,
        itemId: `msg_${id}`,
        createdAt: Math.floor(Date.now() / 1000),
        model: assertServed(request.model, context),
        request,
      };
      const model = context.model();
      return {
        job: responsesToJob(request, context.settings, model),
        complete: (source) => completeResponse(source, model, head),
        stream: request.stream ? responseEvents(model, head) : undefined,
      };
    }),
  );
}

async function completeResponse(
  events: AsyncIterable<JobEvent>,
  model: ChatModel,
  head: ResponseHead,
): Promise<object> {
  const logprobs: ApiLogprob[] = [];
  for await (const event of events) {
    if (event.type === "end") return responseObject(head, { result: event.result, logprobs });
    if (event.token) logprobs.push(toLogprob(model.tokenizer, event.token));
  }
  throw new Error("The model's stream ended without a result.");
}
