/** @file A row of preference data as messages and two answers: TRL's, LLaMA-Factory's and MMPR's forms. */

import type { Message } from "../../processor/index.ts";
import { ANSWERS, type ConversationOptions, parseConversation } from "./parse-conversation.ts";

export interface Preference {
  /** The conversation up to the user's last turn, with its pictures. */
  readonly prompt: readonly Message[];
  readonly chosen: string;
  readonly rejected: string;
}

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

/** The text of an answer: itself, or of a turn, whose content is text or parts of text. */
function textOf(value: unknown, where: string): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((p) => isObject(p) && p.type === "text" && typeof p.text === "string"))
    return value.map((part: Json) => part.text).join("");
  throw new Error(`${where} is ${show(value)}, expected text`);
}

/** An answer column: text, a turn, or turns of which all but the last belong to the prompt. */
function answerOf(
  row: Json,
  key: "chosen" | "rejected",
): { readonly before: readonly unknown[]; readonly text: string } {
  const value = row[key];
  if (typeof value === "string") return { before: [], text: value };
  const turns: readonly unknown[] = Array.isArray(value) ? value : [value];
  const last = turns.at(-1);
  if (!isObject(last)) throw new Error(`${key} is ${show(value)}, expected the text of an answer, or its turn`);
  const role = last.from ?? last.role ?? "assistant";
  if (role !== "assistant" && role !== "gpt")
    throw new Error(`${key} ends with a turn of ${show(role)}, expected one of the assistant`);
  return { before: turns.slice(0, -1), text: textOf(last.value ?? last.content, `the answer in ${key}`) };
}

/** A row whose answers are whole conversations, without a column that says their first question again. */
function withoutPrompt({ prompt, ...row }: Json, before: readonly unknown[]): Json {
  const turns = before.filter(isObject).map((turn) => turn.value ?? turn.content);
  if (prompt === undefined || prompt === null || turns.includes(prompt)) return row;
  throw new Error("chosen holds a conversation beside a prompt of its own, expected its last answer alone");
}

/**
 * A row of preference data.
 * TRL: `{ prompt, chosen, rejected, images }` with texts or turns, also without `prompt`, where `chosen` and `rejected` are whole
 * conversations · LLaMA-Factory: `{ conversations, chosen: { from, value }, rejected, images }` or `{ instruction, input, system,
 * history, chosen, rejected }` · MMPR: `{ image, question, chosen, rejected }`. Prompt and pictures as in `parseConversation`.
 * @throws Error saying what was found and expected; the caller adds file and line
 * @example parsePreference({ image: "a.png", question: "Which colour?", chosen: "red", rejected: "blue" }, { folder: "pictures" }).chosen // "red"
 */
export function parsePreference(row: unknown, options: ConversationOptions): Preference {
  if (!isObject(row)) throw new Error(`the row is ${show(row)}, expected an object`);
  const missing = (["chosen", "rejected"] as const).filter((key) => row[key] === undefined || row[key] === null);
  if (missing.length > 0)
    throw new Error(`the row has keys ${Object.keys(row).join(", ")}, expected ${missing.join(" and ")}, too`);
  const [chosen, rejected] = [answerOf(row, "chosen"), answerOf(row, "rejected")];
  if (JSON.stringify(chosen.before) !== JSON.stringify(rejected.before))
    throw new Error("chosen and rejected differ before their last turn, expected two answers to the same conversation");
  if (chosen.text === rejected.text) throw new Error(`chosen and rejected are the same text, ${show(chosen.text)}`);
  const rest = Object.fromEntries(Object.entries(row).filter(([key]) => !ANSWERS.includes(key)));
  const asked = chosen.before.length > 0 ? { ...withoutPrompt(rest, chosen.before), messages: chosen.before } : rest;
  const prompt = parseConversation(asked, options);
  if (prompt.at(-1)?.role !== "user")
    throw new Error(`the prompt ends with a turn of the ${prompt.at(-1)?.role}, expected one of the user`);
  return { prompt, chosen: chosen.text, rejected: rejected.text };
}
