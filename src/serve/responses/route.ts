/** @file POST /v1/responses. */
import { randomUUID } from "node:crypto";
import type { Hono } from "hono";
import { answerRequest } from "../answer.ts";
import { type ApiLogprob, ShownLogprobs } from "../chat/logprobs.ts";
import type { ChatModel } from "../chat-model.ts";
import type { ServeContext, ServeEnv } from "../context.ts";
import type { JobEvent } from "../job-events.ts";
import { assertServed } from "../models-route.ts";
import { validate } from "../validate.ts";
import { type ResponseHead, responseObject } from "./objects.ts";
import { responsesRequestSchema, strictResponsesSchema } from "./schema.ts";
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
      const request = validate(context.settings.strict ? strictResponsesSchema : responsesRequestSchema, body);
      const id = randomUUID().replaceAll("-", "");
      const head: ResponseHead = {
        id: `resp_${id}`,
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
  const shown = new ShownLogprobs(model.tokenizer);
  const logprobs: ApiLogprob[] = [];
  for await (const event of events) {
    if (event.type === "text") logprobs.push(...shown.push(event.text, event.token));
    else if (event.type !== "end") shown.drop();
    else {
      logprobs.push(...shown.end(event.result.finishReason));
      return responseObject(head, { result: event.result, logprobs });
    }
  }
  throw new Error("The model's stream ended without a result.");
}
