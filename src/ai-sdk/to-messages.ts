/** @file The AI SDK's prompt as the processor's messages. */
import type { LanguageModelV4FilePart, LanguageModelV4Prompt } from "@ai-sdk/provider";
import type { ContentPart, Message } from "../processor/index.ts";

/**
 * Messages with their pictures in place. Throws an Error for parts that FlashVL cannot read: other files than pictures,
 * tool calls and tool results.
 *
 * @example const messages = toMessages([{ role: "user", content: [{ type: "text", text: "Hi" }] }]);
 */
export function toMessages(prompt: LanguageModelV4Prompt): Message[] {
  return prompt.map((message): Message => {
    if (message.role === "system") return { role: "system", content: message.content };
    if (message.role === "tool")
      throw new Error("FlashVL models do not call tools, so a prompt cannot hold their results.");
    const { role } = message;
    const content = message.content.map((part): ContentPart => {
      if (part.type === "text") return { type: "text", text: part.text };
      if (part.type === "file" && role === "user") return { type: "image", image: pictureOf(part) };
      throw new Error(
        `A part of type "${part.type}" in a message of the ${role} cannot be read; FlashVL reads text, and pictures of the user.`,
      );
    });
    return { role, content };
  });
}

function pictureOf({ data, mediaType }: LanguageModelV4FilePart): Uint8Array {
  if (!/^image(\/|$)/.test(mediaType))
    throw new Error(`A file of type ${mediaType} cannot be read; FlashVL reads pictures (image/…).`);
  // `supportedUrls` is empty, so URLs have become data before they get here.
  if (data.type !== "data")
    throw new Error(`A picture given as ${data.type} cannot be read; give its bytes, base64 or a URL.`);
  return typeof data.data === "string" ? Buffer.from(data.data, "base64") : data.data;
}
