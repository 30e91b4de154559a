/** @file A row of a data file as messages: the LLaVA/ShareGPT form and the OpenAI messages form. */

import { resolve } from "node:path";
import { type ContentPart, type ImageInput, type Message, type Role, withImages } from "../../processor/index.ts";

const PLACEHOLDER = "<image>";

const ROLES: Readonly<Record<string, Role>> = {
  human: "user",
  user: "user",
  gpt: "assistant",
  assistant: "assistant",
  system: "system",
};

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

function roleOf(found: unknown, where: string): Role {
  if (typeof found === "string" && Object.hasOwn(ROLES, found)) return ROLES[found]!;
  throw new Error(`${where} is ${show(found)}, expected one of ${Object.keys(ROLES).join(", ")}`);
}

const hasScheme = (text: string): boolean => /^(data|https?|file):/i.test(text);

/** A picture as data sets name it: a path relative to `folder`, a URL, encoded bytes, or { bytes, path } (Parquet). */
function imageOf(found: unknown, folder: string, where: string): ImageInput {
  if (typeof found === "string" && found !== "") return hasScheme(found) ? found : resolve(folder, found);
  if (found instanceof Uint8Array) return found;
  if (isObject(found)) {
    const { bytes, path, url } = found;
    if (bytes instanceof Uint8Array) return bytes;
    if (typeof (path ?? url) === "string") return imageOf(path ?? url, folder, where);
  }
  throw new Error(`${where} is ${show(found)}, expected a path, a URL or { bytes }`);
}

/** Takes the row's pictures one after the other, where a text or a part asks for one. */
class Pictures {
  #next = 0;
  readonly #all: readonly ImageInput[];

  constructor(all: readonly ImageInput[]) {
    this.#all = all;
  }

  take(): ImageInput {
    const image = this.#all[this.#next++];
    if (image === undefined)
      throw new Error(`there are more ${PLACEHOLDER} places than the ${this.#all.length} pictures of the row`);
    return image;
  }

  get left(): readonly ImageInput[] {
    return this.#all.slice(this.#next);
  }

  get taken(): number {
    return this.#next;
  }
}

/** The text with a picture at every <image>; the newline after one is left out, since a picture brings its own. */
function partsOf(text: string, pictures: Pictures): ContentPart[] {
  const [first, ...rest] = text.split(PLACEHOLDER);
  const parts: ContentPart[] = first ? [{ type: "text", text: first }] : [];
  for (const after of rest) {
    parts.push({ type: "image", image: pictures.take() });
    const bare = after.replace(/^\r?\n/, "");
    if (bare) parts.push({ type: "text", text: bare });
  }
  return parts;
}

function contentOf(
  role: Role,
  content: unknown,
  pictures: Pictures,
  folder: string,
  where: string,
): Message["content"] {
  if (typeof content === "string")
    return role === "user" && content.includes(PLACEHOLDER) ? partsOf(content, pictures) : content;
  if (!Array.isArray(content)) throw new Error(`${where} is ${show(content)}, expected text or a list of parts`);
  return content.flatMap((part: unknown, i): ContentPart[] => {
    const at = `${where}[${i}]`;
    if (!isObject(part)) throw new Error(`${at} is ${show(part)}, expected a part with a type`);
    const { type, text, image, image_url: url } = part;
    if (type === "text" && typeof text === "string")
      return role === "user" ? partsOf(text, pictures) : [{ type, text }];
    if (type === "image_url")
      return [{ type: "image", image: imageOf(isObject(url) ? url.url : url, folder, `${at}.image_url`) }];
    if (type === "image") {
      const own = image ?? part.path ?? part.url ?? undefined;
      return [{ type, image: own === undefined ? pictures.take() : imageOf(own, folder, `${at}.image`) }];
    }
    throw new Error(`${at}.type is ${show(type)}, expected "text", "image" or "image_url"`);
  });
}

/**
 * The messages of a row.
 * LLaVA/ShareGPT: `{ image | images, conversations: [{ from: "human" | "gpt" | "system", value: "<image>\n…" }] }` ·
 * OpenAI: `{ messages: [{ role, content }] }` with text, or parts `text`, `image_url` and `image`; `images` beside them are
 * taken where `<image>` or a bare `{ type: "image" }` stands. Pictures without a place come first in the first user turn.
 * @param folder what picture paths are relative to
 * @throws Error saying what was found and expected; the caller adds file and line
 */
export function parseConversation(row: unknown, folder: string): Message[] {
  if (!isObject(row)) throw new Error(`the row is ${show(row)}, expected an object`);
  const { conversations, messages } = row;
  const [turns, key] = Array.isArray(conversations) ? [conversations, "conversations"] : [messages, "messages"];
  if (!Array.isArray(turns))
    throw new Error(
      `the row has keys ${Object.keys(row).join(", ")}, expected "conversations" or "messages" with a list`,
    );
  const listed = [row.images ?? row.image ?? []].flat().filter((i) => i !== null);
  const pictures = new Pictures(listed.map((image, i) => imageOf(image, folder, `image ${i + 1}`)));
  const parsed = turns.map((turn: unknown, i): Message => {
    const where = `${key}[${i}]`;
    if (!isObject(turn)) throw new Error(`${where} is ${show(turn)}, expected a turn`);
    const role = roleOf(turn.from ?? turn.role, `${where}.${"from" in turn ? "from" : "role"}`);
    return { role, content: contentOf(role, turn.value ?? turn.content, pictures, folder, `${where}`) };
  });
  if (pictures.left.length > 0 && pictures.taken > 0)
    throw new Error(
      `the row has ${listed.length} pictures but ${pictures.taken} ${PLACEHOLDER} places; expected as many`,
    );
  return withImages(pictures.left, parsed);
}
