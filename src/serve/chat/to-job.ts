/** @file Turns a checked chat completion request into a job for the model. */
import { asksForChance, type GenerateOptions } from "../../engine/index.ts";
import type { ChatModel } from "../chat-model.ts";
import { ApiError } from "../errors.ts";
import type { Job, JobMessage } from "../generation.ts";
import { jsonSchemaOf } from "../json-schema.ts";
import type { ServeSettings } from "../settings.ts";
import { type ApiToolChoice, toolOptions } from "../tools.ts";
import type { ChatRequest } from "./schema.ts";

/**
 * The job of a request. Throws {@link ApiError} 400 for combinations that the schema cannot express.
 *
 * @example const job = chatToJob(request, settings, model);
 */
export function chatToJob(request: ChatRequest, settings: ServeSettings, model: ChatModel): Job {
  if (
    request.max_tokens != null &&
    request.max_completion_tokens != null &&
    request.max_tokens !== request.max_completion_tokens
  ) {
    throw new ApiError(400, "max_tokens and max_completion_tokens disagree; send max_completion_tokens only.", {
      param: "max_tokens",
      code: "invalid_value",
    });
  }
  if (request.top_logprobs != null && !request.logprobs) {
    throw new ApiError(400, "top_logprobs needs logprobs: true.", { param: "top_logprobs", code: "invalid_value" });
  }
  if (request.stream_options != null && !request.stream) {
    throw new ApiError(400, "stream_options needs stream: true.", { param: "stream_options", code: "invalid_value" });
  }
  const format = request.response_format;
  const options: GenerateOptions = {
    ...samplingOptions(request),
    maxNewTokens: tokenLimit(
      request.max_completion_tokens ?? request.max_tokens,
      "max_completion_tokens",
      settings,
      model,
    ),
    presencePenalty: request.presence_penalty ?? undefined,
    frequencyPenalty: request.frequency_penalty ?? undefined,
    logitBias: request.logit_bias ? biasOf(request.logit_bias, model.tokenizer.vocabSize) : undefined,
    stop: typeof request.stop === "string" ? [request.stop] : (request.stop ?? undefined),
    ignoreEndTokens: request.ignore_eos,
    reasonFirst: request.reason_first,
    logprobs: request.logprobs ?? undefined,
    topLogprobs: request.top_logprobs || undefined,
    schema:
      format?.type === "json_schema"
        ? jsonSchemaOf(format.json_schema.schema, "response_format.json_schema.schema")
        : format?.type === "json_object" || undefined,
    ...toolOptions(
      request.tools?.map(({ function: described }) => described),
      choiceOf(request.tool_choice),
      request.parallel_tool_calls,
      (index) => `tools.${index}.function.parameters`,
    ),
  };
  return {
    messages: toMessages(request, settings),
    choices: request.n ?? 1,
    options,
  };
}

/** Sampling settings as the engine names them; any of them that asks for chance turns sampling on. */
export function samplingOptions(
  request: Partial<Pick<ChatRequest, "temperature" | "top_p" | "top_k" | "min_p" | "repetition_penalty" | "seed">>,
): GenerateOptions {
  const { temperature, top_p, top_k, min_p, repetition_penalty, seed } = request;
  return {
    repetitionPenalty: repetition_penalty ?? undefined,
    seed: seed ?? undefined,
    ...(asksForChance({ temperature, topK: top_k, topP: top_p, minP: min_p }) && {
      doSample: true,
      temperature: temperature ?? 1,
      topP: top_p ?? undefined,
      topK: top_k || undefined,
      minP: min_p ?? undefined,
    }),
  };
}

/** When a client names no limit, the answer may take this share of the context, so that a long prompt still fits. */
const ANSWER_SHARE = 1 / 4;

/** The number of tokens an answer may have. Throws {@link ApiError} 400 over the server's limit. */
export function tokenLimit(
  asked: number | null | undefined,
  param: string,
  { defaultTokens, maxTokens }: ServeSettings,
  model: ChatModel,
): number {
  if (asked == null)
    return Math.max(1, Math.min(defaultTokens, maxTokens, Math.floor(model.info.maxContext * ANSWER_SHARE)));
  if (asked > maxTokens) {
    throw new ApiError(400, `${param} is ${asked}; this server allows at most ${maxTokens}.`, {
      param,
      code: "invalid_value",
    });
  }
  return asked;
}

function choiceOf(choice: ChatRequest["tool_choice"]): ApiToolChoice | undefined {
  if (choice === undefined || typeof choice === "string") return choice;
  if (choice.type === "function") return choice.function;
  const { mode, tools } = choice.allowed_tools;
  return { mode, names: tools.map((tool) => tool.function.name) };
}

function toMessages(request: ChatRequest, settings: ServeSettings): JobMessage[] {
  let pictures = 0;
  const { pictures_in_place: inPlace } = request;
  const calls = new Set<string>();
  return request.messages.map((message, at) => {
    const role = message.role === "developer" ? "system" : message.role;
    if (message.role === "tool" && !calls.has(message.tool_call_id))
      throw unknownCall(`messages.${at}.tool_call_id`, message.tool_call_id);
    const toolCalls = message.role === "assistant" ? message.tool_calls : undefined;
    for (const { id } of toolCalls ?? []) calls.add(id);
    if (message.content === undefined && !toolCalls?.length) {
      const param = `messages.${at}.content`;
      throw new ApiError(400, `${param} is missing; only a turn that calls tools may have none.`, {
        param,
        code: "invalid_value",
      });
    }
    const { content = "" } = message;
    const parts = (typeof content === "string" ? [] : content).map((part, place) => {
      if (part.type === "text") return part;
      if (part.type === "refusal") return { type: "text" as const, text: part.refusal };
      pictures += 1;
      const param = `messages.${at}.content.${place}.image_url.url`;
      assertPictureCount(pictures, param, settings);
      return { type: "image" as const, image: part.image_url.url, ...tilesFor(part.image_url.detail), inPlace, param };
    });
    const job: JobMessage = { role, content: typeof content === "string" ? content : parts };
    if (toolCalls?.length) job.toolCalls = toolCalls.map((call) => call.function);
    return job;
  });
}

/** A picture that need not be seen closely is one tile. */
export const tilesFor = (detail: string | undefined): { maxTiles?: number } =>
  detail === "low" ? { maxTiles: 1 } : {};

/** The error for the result of a call that nobody made. */
export const unknownCall = (param: string, id: string): ApiError =>
  new ApiError(400, `${param}: no call before this has the id ${JSON.stringify(id.slice(0, 64))}.`, {
    param,
    code: "invalid_value",
  });

/** Throws {@link ApiError} 400 when a request brings more pictures than the server takes. */
export function assertPictureCount(pictures: number, param: string, settings: ServeSettings): void {
  if (pictures <= settings.maxPictures) return;
  throw new ApiError(400, `The request has more than ${settings.maxPictures} pictures, the limit of this server.`, {
    param,
    code: "too_many_images",
  });
}

function biasOf(bias: Record<string, number>, vocabSize: number): Record<number, number> {
  for (const id of Object.keys(bias)) {
    if (Number(id) >= vocabSize) {
      throw new ApiError(400, `logit_bias names token ${id}; the model's tokens are 0 to ${vocabSize - 1}.`, {
        param: "logit_bias",
        code: "invalid_value",
      });
    }
  }
  return bias;
}
