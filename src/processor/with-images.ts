/** @file Puts images that are given beside a conversation into it. */
import type { ImageInput } from "./image-types.ts";
import { type ContentPart, checkMessages, type Message } from "./messages.ts";

/**
 * The conversation with the images at the start of its first user turn, where the published models expect them.
 * The messages themselves are left as they are.
 *
 * @param images one image, several in order, or null for none
 * @throws if the conversation is not well-formed ({@link checkMessages})
 * @example
 * withImages("board.png", [{ role: "user", content: "How much?" }]);
 * // [{ role: "user", content: [{ type: "image", image: "board.png" }, { type: "text", text: "How much?" }] }]
 */
export function withImages(
  images: ImageInput | readonly ImageInput[] | null | undefined,
  messages: readonly Message[],
): Message[] {
  checkMessages(messages);
  const list = images === null || images === undefined ? [] : Array.isArray(images) ? images : [images as ImageInput];
  if (list.length === 0) return [...messages];
  const first = messages.findIndex((message) => message.role === "user");
  const { role, content } = messages[first]!;
  const own: ContentPart[] = typeof content === "string" ? [{ type: "text", text: content }] : content;
  const parts: ContentPart[] = [...list.map((image): ContentPart => ({ type: "image", image })), ...own];
  return messages.with(first, { role, content: parts });
}
