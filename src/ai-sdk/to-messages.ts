/** @file The AI SDK's prompt as the processor's messages. */
import type { LanguageModelV3FilePart, LanguageModelV3Prompt, LanguageModelV3ToolResultOutput } from "@ai-sdk/provider";
import { type ContentPart, type Message, pythonJson, type ToolCall } from "../processor/index.ts";

/**
 * Messages with their pictures, calls and results in place. Throws an Error for parts that FlashVL cannot read: other files
 * than pictures.
 *
 * @example const messages = toMessages([{ role: "user", content: [{ type: "text", text: "Hi" }] }]);
 */
export function toMessages(prompt: LanguageModelV3Prompt): Message[] {
  return prompt.flatMap((message): Message[] => {
    if (message.role === "system") return [{ role: "system", content: message.content }];
    if (message.role === "tool")
      return message.content.flatMap((part): Message[] =>
        part.type === "tool-result" ? [{ role: "tool", content: resultText(part.output) }] : [],
      );
    const { role } = message;
    const toolCalls: ToolCall[] = [];
    const content = message.content.flatMap((part): ContentPart[] => {
      if (part.type === "text") return [{ type: "text", text: part.text }];
      // The model is shown what it answered, not how it came to it.
      if (part.type === "reasoning") return [];
      if (part.type === "tool-call") {
        const { toolName: name, input } = part;
        toolCalls.push({ name, arguments: typeof input === "string" ? input : JSON.stringify(input ?? {}) });
        return [];
      }
      if (part.type === "file" && role === "user") return [{ type: "image", image: pictureOf(part) }];
      throw new Error(
        `A part of type "${part.type}" in a message of the ${role} cannot be read; FlashVL reads text, and pictures of the user.`,
      );
    });
    return [{ role, content, ...(toolCalls.length > 0 && { toolCalls }) }];
  });
}

/** A tool's result as the model reads it. */
function resultText(output: LanguageModelV3ToolResultOutput): string {
  switch (output.type) {
    case "text":
    case "error-text":
      return output.value;
    case "execution-denied":
      return output.reason ?? "The user did not allow this call.";
    case "content":
      return output.value
        .map((part) => {
          if (part.type === "text") return part.text;
          throw new Error(`A part of type "${part.type}" in a tool's result cannot be read; FlashVL reads text there.`);
        })
        .join("");
    default:
      return pythonJson(output.value);
  }
}

function pictureOf({ data, mediaType }: LanguageModelV3FilePart): Uint8Array {
  if (!/^image(\/|$)/.test(mediaType))
    throw new Error(`A file of type ${mediaType} cannot be read; FlashVL reads pictures (image/…).`);
  // `supportedUrls` is empty, so URLs have become data before they get here.
  if (data instanceof URL) throw new Error("A picture given as url cannot be read; give its bytes, base64 or a URL.");
  return typeof data === "string" ? Buffer.from(data, "base64") : data;
}
