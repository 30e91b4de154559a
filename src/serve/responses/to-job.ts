/** @file Turns a checked response request into a job for the model. */
import { assertPictureCount, samplingOptions, tilesFor, tokenLimit, unknownCall } from "../chat/to-job.ts";
import type { ChatModel } from "../chat-model.ts";
import { ApiError } from "../errors.ts";
import type { Job, JobMessage } from "../generation.ts";
import { jsonSchemaOf } from "../json-schema.ts";
import type { ServeSettings } from "../settings.ts";
import { type ApiToolChoice, toolOptions } from "../tools.ts";
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
      reasonFirst: request.reason_first,
      logprobs: logprobs || undefined,
      topLogprobs: request.top_logprobs || undefined,
      schema:
        format?.type === "json_schema"
          ? jsonSchemaOf(format.schema, "text.format.schema")
          : format?.type === "json_object" || undefined,
      ...toolOptions(
        request.tools,
        choiceOf(request.tool_choice),
        request.parallel_tool_calls,
        (index) => `tools.${index}.parameters`,
      ),
    },
  };
}

function choiceOf(choice: ResponsesRequest["tool_choice"]): ApiToolChoice | undefined {
  if (choice === undefined || typeof choice === "string") return choice;
  return choice.type === "function" ? choice : { mode: choice.mode, names: choice.tools.map(({ name }) => name) };
}

type ContentPart = Exclude<JobMessage["content"], string>[number];

function toMessages({ input, pictures_in_place: inPlace }: ResponsesRequest, settings: ServeSettings): JobMessage[] {
  if (typeof input === "string") return [{ role: "user", content: input }];
  let pictures = 0;
  const calls = new Set<string>();
  const messages: JobMessage[] = [];
  const picture = (part: { image_url: string | Uint8Array; detail?: string }, param: string): ContentPart => {
    pictures += 1;
    assertPictureCount(pictures, param, settings);
    return { type: "image", image: part.image_url, ...tilesFor(part.detail), inPlace, param };
  };
  for (const [at, item] of input.entries()) {
    // The model is shown what it answered, not how it came to it.
    if (item.type === "reasoning" || item.type === "item_reference") continue;
    if (item.type === "function_call") {
      calls.add(item.call_id);
      // Calls belong to the turn that they were made in.
      const last = messages.at(-1);
      const turn: JobMessage = last?.role === "assistant" ? last : { role: "assistant", content: "" };
      if (turn !== last) messages.push(turn);
      turn.toolCalls = [...(turn.toolCalls ?? []), { name: item.name, arguments: item.arguments }];
      continue;
    }
    if (item.type === "function_call_output") {
      if (!calls.has(item.call_id)) throw unknownCall(`input.${at}.call_id`, item.call_id);
      const { output } = item;
      const shown = (part: Exclude<typeof output, string>[number], place: number) =>
        part.type === "input_image" ? picture(part, `input.${at}.output.${place}.image_url`) : toText(part);
      messages.push({ role: "tool", content: typeof output === "string" ? output : output.map(shown) });
      continue;
    }
    const role = item.role === "developer" ? "system" : item.role;
    if (typeof item.content === "string") {
      messages.push({ role, content: item.content });
      continue;
    }
    const content = item.content.map((part, place) => {
      if (part.type === "refusal") return { type: "text" as const, text: part.refusal };
      if (part.type !== "input_image") return toText(part);
      return picture(part, `input.${at}.content.${place}.image_url`);
    });
    messages.push({ role, content });
  }
  return messages;
}

const toText = ({ text }: { text: string }) => ({ type: "text" as const, text });
