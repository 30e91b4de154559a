/** @file A row of training data as its texts, its turns and its pictures: conversations and preference pairs. */

import { imagesOf, type Message } from "../../processor/index.ts";
import { parseConversation, parsePreference } from "../../train/rows.ts";

export interface RowOptions {
  /** What paths of pictures are relative to. */
  readonly folder: string;
  /** What rows without a question ask. */
  readonly question?: string;
}

/** The text of a turn, without its pictures. */
export const textOf = ({ content }: Message): string =>
  typeof content === "string" ? content : content.map((part) => (part.type === "text" ? part.text : "")).join("");

const isPair = (row: unknown): boolean =>
  typeof row === "object" && row !== null && (row as Record<string, unknown>).chosen != null && "rejected" in row;

/** The turns of a row; of a pair both answers are one turn. @throws Error saying what was found and expected */
export function messagesOf(row: unknown, options: RowOptions): Message[] {
  if (!isPair(row)) return parseConversation(row, options);
  const { prompt, chosen, rejected } = parsePreference(row, options);
  return [...prompt, { role: "assistant", content: `${chosen}\n${rejected}` }];
}

/** Pictures as paths, URLs or encoded bytes. */
export const picturesOf = (messages: readonly Message[]): (string | Uint8Array)[] =>
  imagesOf(messages).filter(
    (image): image is string | Uint8Array => typeof image === "string" || image instanceof Uint8Array,
  );

/** What is odd about the order of turns, though it can be trained on; undefined where nothing is. */
export function oddTurns(messages: readonly Message[]): string | undefined {
  const turns = messages.filter(({ role }) => role !== "system");
  if (turns[0]?.role === "assistant") return "begins with the assistant";
  const twice = turns.find((turn, i) => i > 0 && turn.role === turns[i - 1]!.role);
  if (twice) return `two turns of the ${twice.role} in a row`;
  if (!turns.some(({ role }) => role === "assistant")) return "no answer";
  if (turns.at(-1)!.role === "user") return "ends with the user";
  const empty = turns.find((turn) => textOf(turn).trim() === "" && imagesOf([turn]).length === 0);
  return empty && `an empty turn of the ${empty.role}`;
}
