/** @file Turns a checked response request into a job for the model. */
import { assertPictureCount, samplingOptions, tokenLimit } from "../chat/to-job.ts";
import type { ChatModel } from "../chat-model.ts";
import { ApiError } from "../errors.ts";
import type { Job, JobMessage } from "../generation.ts";
import { jsonSchemaOf } from "../json-schema.ts";
import type { ServeSettings } from "../settings.ts";
import type { ResponsesRequest } from "./schema.ts";

/**
 * The job of a request. Throws {@link ApiError} 400 for combinations that the schema cannot express.
 *
 * @example const job = responsesToJob(request, settings, model);
 */
export function responsesToJob(request: ResponsesRequest, settings: ServeSettings, model: ChatModel): Job {
  const logprobs = request.include?.includes("message.output_text.logprobs") ?? false;
  if (request.top_logprobs != null && !logprobs) {
    throw new ApiError(400, 'top_logprobs needs include: ["message.output_text.logprobs"].', {
      param: "top_logprobs",
      code: "invalid_value",
    });
  }
  const format = request.text?.format;
  const messages = toMessages(request, settings);
  if (request.instructions) messages.unshift({ role: "system", content: request.instructions });
  return {
    messages,
    choices: 1,
    options: {
      ...samplingOptions(request),
      maxNewTokens: tokenLimit(request.max_output_tokens, "max_output_tokens", settings, model),
      logprobs: logprobs || undefined,
      topLogprobs: request.top_logprobs || undefined,
      schema:
        format?.type === "json_schema"
          ? jsonSchemaOf(format.schema, "text.format.schema")
          : format?.type === "json_object" || undefined,
    },
  };
}

function toMessages({ input }: ResponsesRequest, settings: ServeSettings): JobMessage[] {
  if (typeof input === "string") return [{ role: "user", content: input }];
  let pictures = 0;
  return input.map(({ role, content }, at) => {
    const turn = role === "developer" ? "system" : role;
    if (typeof content === "string") return { role: turn, content };
    const parts = content.map((part, place) => {
      if (part.type !== "input_image") return { type: "text" as const, text: part.text };
      pictures += 1;
      const param = `input.${at}.content.${place}.image_url`;
      assertPictureCount(pictures, param, settings);
      return { type: "image" as const, image: part.image_url, param };
    });
    return { role: turn, content: parts };
  });
}
