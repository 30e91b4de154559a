/** @file What a conversation is, and the check that one is well-formed. */
import type { ImageInput } from "./image-types.ts";
import { InputError } from "./input-error.ts";

export type Role = "system" | "user" | "assistant";

export type ContentPart = { type: "text"; text: string } | { type: "image"; image: ImageInput };

/** One turn of a conversation. Pictures come in user turns only. */
export interface Message {
  role: Role;
  content: string | ContentPart[];
}

const ROLES: readonly string[] = ["system", "user", "assistant"] satisfies Role[];

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
    if (role !== "user")
      throw new InputError("invalid", `${where} is an image in a turn of the ${role}; only user turns bring images.`);
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
 * a turn that is not the user's, or no turn is the user's
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
      throw new InputError("invalid", `${where}.role is ${describe(role)}; expected "system", "user" or "assistant".`);
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
  if (!messages.some((message) => message.role === "user")) {
    throw new InputError("invalid", "messages has no user turn; expected at least one.");
  }
}
