/** @file What a conversation is, and the check that one is well-formed. */
import type { ImageInput } from "./image-types.ts";
import { InputError } from "./input-error.ts";

/** "tool" is a turn with the result of a call. */
export type Role = "system" | "user" | "assistant" | "tool";

export type ContentPart =
  | { type: "text"; text: string }
  /**
   * `maxTiles`: most tiles of this picture, within the limit of the request. `inPlace`: the picture belongs between these very
   * texts, also for models that expect pictures first. `bare`: a mark in the text says where it goes, and no newline follows it
   * there.
   */
  | { type: "image"; image: ImageInput; maxTiles?: number; inPlace?: boolean; bare?: boolean }
  /** Words of a template: the control token of that name where the tokenizer has one. Only templates write it. */
  | { type: "mark"; text: string };

/** A picture of a conversation. */
export type ImagePart = Extract<ContentPart, { type: "image" }>;

/** A call that the model has made. */
export interface ToolCall {
  name: string;
  /** The arguments as an object, or as its JSON. */
  arguments: Record<string, unknown> | string;
}

/** One turn of a conversation. Pictures come in turns of the user and in results of tools. */
export interface Message {
  role: Role;
  content: string | ContentPart[];
  /** Calls that the assistant made in this turn, after its text. */
  toolCalls?: readonly ToolCall[];
}

/** The text of a turn, without its pictures. */
export function textOf(content: string | readonly ContentPart[]): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** The pictures of a conversation, in order. */
export const imagePartsOf = (messages: readonly Message[]): ImagePart[] =>
  messages.flatMap(({ content }) =>
    typeof content === "string" ? [] : content.filter((part) => part.type === "image"),
  );

/** The same without what is said about them. */
export const imagesOf = (messages: readonly Message[]): ImageInput[] =>
  imagePartsOf(messages).map(({ image }) => image);

const ROLES: readonly string[] = ["system", "user", "assistant", "tool"] satisfies Role[];

/** Calls belong to the assistant, and results to calls. */
function checkCalls(messages: readonly Message[]): void {
  let called = false;
  for (const [index, { role, toolCalls }] of messages.entries()) {
    const where = `messages[${index}]`;
    if (toolCalls?.length) {
      if (role !== "assistant")
        throw new InputError(
          "invalid",
          `${where}.toolCalls stands in a turn of the ${role}; only the assistant makes calls.`,
        );
      for (const [call, { name, arguments: args }] of toolCalls.entries())
        if (typeof name !== "string" || (typeof args !== "string" && (typeof args !== "object" || args === null)))
          throw new InputError("invalid", `${where}.toolCalls[${call}] must be { name, arguments }.`);
    }
    if (role === "tool" && !called)
      throw new InputError("invalid", `${where} is the result of a call, but no call stands before it.`);
    called = role === "tool" || (toolCalls?.length ?? 0) > 0;
  }
}

/** A short description of a value for an error message. */
function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  return typeof value;
}

function checkPart(part: unknown, role: string, where: string): void {
  const { type, text, image } = (part ?? {}) as { type?: unknown; text?: unknown; image?: unknown };
  if (type === "text") {
    if (typeof text !== "string")
      throw new InputError("invalid", `${where}.text is ${describe(text)}; expected a string.`);
  } else if (type === "image") {
    if (role !== "user" && role !== "tool")
      throw new InputError(
        "invalid",
        `${where} is an image in a turn of the ${role}; only turns of the user and results of tools bring images.`,
      );
    if (image === undefined || image === null) {
      throw new InputError("invalid", `${where}.image is ${describe(image)}; expected a path, a URL, bytes or pixels.`);
    }
  } else {
    throw new InputError("invalid", `${where}.type is ${describe(type)}; expected "text" or "image".`);
  }
}

/**
 * Refuse what is not a conversation, naming the place.
 *
 * @throws if the list is empty, a role is unknown, content is neither a string nor a list of parts, an image stands in
 * a turn of the system or the assistant, or no turn is the user's
 * @example
 * checkMessages([{ role: "user", content: "How much?" }]);
 */
export function checkMessages(messages: readonly Message[]): void {
  if (!Array.isArray(messages)) {
    throw new InputError("invalid", `messages is ${describe(messages)}; expected a list of { role, content }.`);
  }
  if (messages.length === 0) throw new InputError("invalid", "messages is empty; expected at least one user turn.");
  for (const [index, message] of messages.entries()) {
    const where = `messages[${index}]`;
    const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
    if (typeof role !== "string" || !ROLES.includes(role)) {
      throw new InputError(
        "invalid",
        `${where}.role is ${describe(role)}; expected "system", "user", "assistant" or "tool".`,
      );
    }
    if (Array.isArray(content)) {
      for (const [part, value] of content.entries()) checkPart(value, role, `${where}.content[${part}]`);
    } else if (typeof content !== "string") {
      throw new InputError(
        "invalid",
        `${where}.content is ${describe(content)}; expected a string or a list of parts.`,
      );
    }
  }
  checkCalls(messages);
  if (!messages.some((message) => message.role === "user")) {
    throw new InputError("invalid", "messages has no user turn; expected at least one.");
  }
}
