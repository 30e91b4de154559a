/** @file A row of a data file as messages: the LLaVA/ShareGPT form and the OpenAI messages form. */

import { resolve } from "node:path";
import {
  type ContentPart,
  type ImageInput,
  MARK,
  type Message,
  partsAtMarks,
  type Role,
  withImages,
} from "../../processor/index.ts";

const ROLES = new Map<string, Role>(
  Object.entries({
    human: "user",
    user: "user",
    gpt: "assistant",
    assistant: "assistant",
    system: "system",
  }),
);

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

function roleOf(found: unknown, where: string): Role {
  const role = ROLES.get(found as string);
  if (role !== undefined) return role;
  throw new Error(`${where} is ${show(found)}, expected one of ${[...ROLES.keys()].join(", ")}`);
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
      throw new Error(`there are more ${MARK} places than the ${this.#all.length} pictures of the row`);
    return image;
  }

  get left(): readonly ImageInput[] {
    return this.#all.slice(this.#next);
  }

  get taken(): number {
    return this.#next;
  }
}

function contentOf(
  role: Role,
  content: unknown,
  pictures: Pictures,
  folder: string,
  where: string,
): Message["content"] {
  if (typeof content === "string")
    return role === "user" && content.includes(MARK) ? partsAtMarks(content, () => pictures.take()) : content;
  if (!Array.isArray(content)) throw new Error(`${where} is ${show(content)}, expected text or a list of parts`);
  return content.flatMap((part: unknown, i): ContentPart[] => {
    const at = `${where}[${i}]`;
    if (!isObject(part)) throw new Error(`${at} is ${show(part)}, expected a part with a type`);
    const { type, text, image, image_url: url } = part;
    if (type === "text" && typeof text === "string")
      return role === "user" ? partsAtMarks(text, () => pictures.take()) : [{ type, text }];
    if (type === "image_url")
      return [{ type: "image", image: imageOf(isObject(url) ? url.url : url, folder, `${at}.image_url`) }];
    if (type === "image") {
      const own = image ?? part.path ?? part.url ?? undefined;
      return [{ type, image: own === undefined ? pictures.take() : imageOf(own, folder, `${at}.image`) }];
    }
    throw new Error(`${at}.type is ${show(type)}, expected "text", "image" or "image_url"`);
  });
}

/** Columns that a picture may stand in, in the order of preference. */
const PICTURES = ["images", "image", "file_name", "image_path", "picture"];
/** Columns of a row that is one question and its answer, as data sets call them. */
const QUESTIONS = ["question", "prompt", "instruction", "query", "problem"];
export const ANSWERS = ["answer", "completion", "output", "response", "label", "caption", "text", "solution"];
/** What this kind of model cannot take. */
const REFUSED = ["tools", "videos", "video", "audios", "audio"];

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);

/** The first of these columns that holds something. */
const firstOf = (row: Json, names: readonly string[]): readonly [string, unknown] | undefined => {
  const name = names.find((key) => Object.hasOwn(row, key) && !isEmpty(row[key]));
  return name === undefined ? undefined : [name, row[name]];
};

/** The value of a column as turns: a text is one turn of `role`, a list is turns already. */
function turnsOf([key, value]: readonly [string, unknown], role: Role): unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value === "string" || typeof value === "number") return [{ role, content: String(value) }];
  throw new Error(`${key} is ${show(value)}, expected text`);
}

/** Turns of a row of single columns: Alpaca's, TRL's prompt and completion, or a table with a column of labels. */
function flatTurns(row: Json, question: string | undefined): { readonly turns: unknown[]; readonly key: string } {
  const asked = firstOf(row, QUESTIONS) ?? (question === undefined ? undefined : (["question", question] as const));
  const answered = firstOf(row, ANSWERS);
  if (!asked)
    throw new Error(
      `the row has keys ${Object.keys(row).join(", ")}, expected "conversations" or "messages" with a list, or a column ${QUESTIONS.join(", ")}; ` +
        "where all rows ask the same, give data.question",
    );
  const [name, text] = asked;
  const more = name === "instruction" && typeof row.input === "string" && row.input !== "" ? `\n${row.input}` : "";
  const history = isEmpty(row.history) ? [] : row.history;
  if (!Array.isArray(history)) throw new Error(`history is ${show(history)}, expected a list of [question, answer]`);
  const before = history.flatMap((pair: unknown, i) => {
    if (!Array.isArray(pair) || pair.length !== 2)
      throw new Error(`history[${i}] is ${show(pair)}, expected [question, answer]`);
    return [...turnsOf([`history[${i}][0]`, pair[0]], "user"), ...turnsOf([`history[${i}][1]`, pair[1]], "assistant")];
  });
  const turns = turnsOf([name, typeof text === "string" ? text + more : text], "user");
  return { turns: [...before, ...turns, ...(answered ? turnsOf(answered, "assistant") : [])], key: name };
}

export interface ConversationOptions {
  /** What paths of pictures are relative to. */
  readonly folder: string;
  /** What a row without a question asks. */
  readonly question?: string;
}

/**
 * The messages of a row.
 * LLaVA/ShareGPT: `{ image | images, conversations: [{ from: "human" | "gpt" | "system", value: "<image>\n…" }] }` ·
 * OpenAI: `{ messages: [{ role, content }] }` with text, or parts `text`, `image_url` and `image`; `images` beside them are
 * taken where `<image>` or a bare `{ type: "image" }` stands · single columns: `{ image, question, answer }` and their other
 * names, Alpaca's `instruction`, `input`, `output`, `history`, TRL's `prompt` and `completion`. A column `system` is the system
 * turn. Pictures without a place come first in the first user turn.
 * @throws Error saying what was found and expected; the caller adds file and line
 * @example parseConversation({ image: "a.png", question: "Which colour?", answer: "red" }, { folder: "pictures" })
 */
export function parseConversation(row: unknown, { folder, question }: ConversationOptions): Message[] {
  if (!isObject(row) || Array.isArray(row)) throw new Error(`the row is ${show(row)}, expected an object`);
  const refused = REFUSED.find((key) => Object.hasOwn(row, key) && !isEmpty(row[key]));
  if (refused) throw new Error(`the row has ${refused} (${show(row[refused])}), which this model does not take`);
  const { conversations, messages, system } = row;
  const { turns, key } = Array.isArray(conversations)
    ? { turns: conversations as unknown[], key: "conversations" }
    : Array.isArray(messages)
      ? { turns: messages as unknown[], key: "messages" }
      : flatTurns(row, question);
  const listed = [firstOf(row, PICTURES)?.[1] ?? []].flat().filter((i) => i !== null);
  const pictures = new Pictures(listed.map((image, i) => imageOf(image, folder, `image ${i + 1}`)));
  const parsed = turns.map((turn: unknown, i): Message => {
    const where = `${key}[${i}]`;
    if (!isObject(turn)) throw new Error(`${where} is ${show(turn)}, expected a turn`);
    const role = roleOf(turn.from ?? turn.role, `${where}.${"from" in turn ? "from" : "role"}`);
    return { role, content: contentOf(role, turn.value ?? turn.content, pictures, folder, `${where}`) };
  });
  if (pictures.left.length > 0 && pictures.taken > 0)
    throw new Error(`the row has ${listed.length} pictures but ${pictures.taken} ${MARK} places; expected as many`);
  if (!isEmpty(system)) {
    if (typeof system !== "string") throw new Error(`system is ${show(system)}, expected text`);
    if (parsed[0]?.role === "system")
      throw new Error('the row has a system turn and a column "system", expected one of them');
    parsed.unshift({ role: "system", content: system });
  }
  return withImages(pictures.left, parsed);
}
