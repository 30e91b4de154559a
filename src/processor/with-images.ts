/** @file Puts images that are given beside a conversation into it. */
import type { ImageInput } from "./image-types.ts";
import { InputError } from "./input-error.ts";
import { type ContentPart, checkMessages, type Message } from "./messages.ts";

/** Says in a text where a picture goes. */
export const MARK = "<image>";

/**
 * A text with a picture at every mark. The newline after a mark is left out, since a picture brings its own.
 *
 * @param take gives the next picture
 * @example
 * partsAtMarks("<image>\nHow much?", () => "board.png"); // an image part that stays in its place, and the text "How much?"
 */
export function partsAtMarks(text: string, take: () => ImageInput): ContentPart[] {
  const [first, ...rest] = text.split(MARK);
  const parts: ContentPart[] = first ? [{ type: "text", text: first }] : [];
  for (const after of rest) {
    const rest = after.replace(/^\r?\n/, "");
    parts.push({ type: "image", image: take(), inPlace: true, ...(rest.length === after.length && { bare: true }) });
    if (rest) parts.push({ type: "text", text: rest });
  }
  return parts;
}

const partsOf = ({ content }: Message): readonly ContentPart[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : content;

/**
 * The conversation with the images where the marks `<image>` of its user turns say, or without marks at the start of its first
 * user turn, where models expect them. The messages themselves are left as they are.
 *
 * @param images one image, several in order, or null for none
 * @throws if the conversation is not well-formed ({@link checkMessages}), or has marks but not one for each image
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
  const texts = messages.filter(({ role }) => role === "user").flatMap(partsOf);
  const marks = texts.reduce((sum, part) => sum + (part.type === "text" ? part.text.split(MARK).length - 1 : 0), 0);
  if (marks === 0) {
    const first = messages.findIndex((message) => message.role === "user");
    const { role } = messages[first]!;
    const parts = list.map((image): ContentPart => ({ type: "image", image }));
    return messages.with(first, { role, content: [...parts, ...partsOf(messages[first]!)] });
  }
  if (marks !== list.length)
    throw new InputError(
      "invalid",
      `The messages have ${marks} marks ${MARK}, but ${list.length} images are given; expected one mark for each image, or none.`,
    );
  let next = 0;
  const take = (): ImageInput => list[next++]!;
  return messages.map((message) => {
    if (message.role !== "user") return message;
    const content = partsOf(message).flatMap((part) => (part.type === "text" ? partsAtMarks(part.text, take) : [part]));
    return { role: message.role, content };
  });
}
