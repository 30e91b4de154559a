/** @file Turns a checked message request of Anthropic's API into a job for the model. */
import { assertPictureCount, samplingOptions, tokenLimit, unknownCall } from "../chat/to-job.ts";
import type { ChatModel } from "../chat-model.ts";
import type { Job, JobMessage } from "../generation.ts";
import type { ServeSettings } from "../settings.ts";
import { type ApiToolChoice, toolOptions } from "../tools.ts";
import type { CountRequest, MessagesRequest } from "./schema.ts";

/**
 * The job of a request. Throws {@link ApiError} 400 for combinations that the schema cannot express.
 *
 * @example const job = messagesToJob(request, settings, model);
 */
export function messagesToJob(request: MessagesRequest, settings: ServeSettings, model: ChatModel): Job {
  return {
    messages: toMessages(request, settings),
    choices: 1,
    options: {
      ...samplingOptions(request),
      maxNewTokens: tokenLimit(request.max_tokens, "max_tokens", settings, model),
      stop: request.stop_sequences,
      ...toolsOf(request),
    },
  };
}

/** The engine's options of the request's tools. */
export function toolsOf({ tools, tool_choice: choice }: CountRequest) {
  const described = tools?.map(({ name, description, input_schema: parameters }) => ({
    name,
    description,
    parameters,
  }));
  const parallel = choice && "disable_parallel_tool_use" in choice ? !choice.disable_parallel_tool_use : undefined;
  return toolOptions(described, choiceOf(choice), parallel, (index) => `tools.${index}.input_schema`);
}

function choiceOf(choice: CountRequest["tool_choice"]): ApiToolChoice | undefined {
  if (choice === undefined) return undefined;
  if (choice.type === "tool") return { name: choice.name };
  return choice.type === "any" ? "required" : choice.type;
}

type UserBlock = Exclude<Extract<CountRequest["messages"][number], { role: "user" }>["content"], string>[number];
type ImageBlock = Extract<UserBlock, { type: "image" }>;
type ResultPart = Exclude<Extract<UserBlock, { type: "tool_result" }>["content"], string | undefined>[number];
type ContentPart = Exclude<JobMessage["content"], string>[number];

/** The request's turns; results of tools become turns of their own before the text beside them. */
export function toMessages(request: CountRequest, settings: ServeSettings): JobMessage[] {
  const { system, messages: asked, pictures_in_place: inPlace } = request;
  const messages: JobMessage[] = [];
  if (system !== undefined)
    messages.push({ role: "system", content: typeof system === "string" ? system : textOf(system) });
  const calls = new Set<string>();
  let pictures = 0;
  const picture = ({ source }: ImageBlock, param: string) => {
    pictures += 1;
    assertPictureCount(pictures, param, settings);
    const image = source.type === "url" ? source.url : `data:;base64,${source.data}`;
    return { type: "image" as const, image, inPlace, param };
  };
  for (const [at, { role, content }] of asked.entries()) {
    if (typeof content === "string") {
      messages.push({ role, content });
      continue;
    }
    const parts: Exclude<JobMessage["content"], string> = [];
    const turn: JobMessage = { role, content: parts };
    for (const [place, block] of content.entries()) {
      const param = `messages.${at}.content.${place}`;
      if (block.type === "text") parts.push({ type: "text", text: block.text });
      else if (block.type === "image") parts.push(picture(block, param));
      else if (block.type === "tool_use") {
        calls.add(block.id);
        turn.toolCalls = [...(turn.toolCalls ?? []), { name: block.name, arguments: block.input }];
      } else if (block.type === "tool_result") {
        if (!calls.has(block.tool_use_id)) throw unknownCall(`${param}.tool_use_id`, block.tool_use_id);
        const { content: result = "" } = block;
        const shown = (part: ResultPart, index: number): ContentPart[] =>
          part.type === "image"
            ? [picture(part, `${param}.content.${index}`)]
            : [{ type: "text", text: index > 0 ? `\n${part.text}` : part.text }];
        messages.push({ role: "tool", content: typeof result === "string" ? result : result.flatMap(shown) });
      }
      // The model is shown what it answered, not how it came to it: thinking is left out.
    }
    if (parts.length > 0 || turn.toolCalls) messages.push(turn);
  }
  return messages;
}

const textOf = (blocks: readonly { text: string }[]): string => blocks.map(({ text }) => text).join("\n");
