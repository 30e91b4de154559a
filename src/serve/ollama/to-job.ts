/** @file Turns checked requests of Ollama's API into jobs for the model. */
import type { GenerateOptions } from "../../engine/index.ts";
import { assertPictureCount, samplingOptions, tokenLimit } from "../chat/to-job.ts";
import type { ChatModel } from "../chat-model.ts";
import type { Job, JobMessage } from "../generation.ts";
import { jsonSchemaOf } from "../json-schema.ts";
import type { ServeSettings } from "../settings.ts";
import { toolOptions } from "../tools.ts";
import type { OllamaChat, OllamaGenerate } from "./schema.ts";

/** The job of a chat request. */
export function chatJob(request: OllamaChat, settings: ServeSettings, model: ChatModel): Job {
  let pictures = 0;
  const messages = request.messages.map(({ role, content, images, tool_calls }, at): JobMessage => {
    const message = withPictures(role, content, images, `messages.${at}.images`, settings, pictures);
    pictures += images?.length ?? 0;
    if (tool_calls?.length) message.toolCalls = tool_calls.map((call) => call.function);
    return message;
  });
  const tools = request.tools?.map((tool) => tool.function);
  return {
    messages,
    choices: 1,
    options: {
      ...generateOptions(request, settings, model),
      ...toolOptions(tools, undefined, undefined, (index) => `tools.${index}.function.parameters`),
    },
  };
}

/** The job of a generate request: one turn, or with `raw` a text that is continued as it is. */
export function generateJob(request: OllamaGenerate, settings: ServeSettings, model: ChatModel): Job {
  const options = generateOptions(request, settings, model);
  if (request.raw) return { messages: [], raw: { prompt: request.prompt }, choices: 1, options };
  const messages = [withPictures("user", request.prompt, request.images, "images", settings, 0)];
  if (request.system !== undefined) messages.unshift({ role: "system", content: request.system });
  return { messages, choices: 1, options };
}

function withPictures(
  role: JobMessage["role"],
  text: string,
  images: readonly string[] | undefined,
  param: string,
  settings: ServeSettings,
  before: number,
): JobMessage {
  if (!images?.length) return { role, content: text };
  const parts = images.map((data, place) => {
    assertPictureCount(before + place + 1, `${param}.${place}`, settings);
    const url = /^\s*data:/i.test(data) ? data : `data:;base64,${data}`;
    return { type: "image" as const, image: url, param: `${param}.${place}` };
  });
  return { role, content: [...parts, { type: "text", text }] };
}

function generateOptions(
  { format, options = {} }: Pick<OllamaChat, "format" | "options">,
  settings: ServeSettings,
  model: ChatModel,
): GenerateOptions {
  const { repeat_penalty, num_predict = -1, presence_penalty, frequency_penalty, stop } = options;
  const limit = num_predict > 0 ? num_predict : undefined;
  return {
    ...samplingOptions({ ...options, repetition_penalty: repeat_penalty }),
    maxNewTokens: tokenLimit(limit, "options.num_predict", settings, model),
    presencePenalty: presence_penalty,
    frequencyPenalty: frequency_penalty,
    stop,
    schema: typeof format === "object" ? jsonSchemaOf(format, "format") : format === "json" || undefined,
  };
}
