/** @file What a conversation is called, and whether it is one that is looked for. */
import type { Conversation } from "./types.ts";
import { t } from "./words.ts";

const LONGEST = 60;

/** The beginning of the first question. */
export function titleOf({ turns }: Conversation): string {
  const text = turns.find((turn) => turn.role === "user" && turn.text)?.text ?? "";
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text || t("untitled");
}

/** Whether every word that is looked for stands somewhere in the conversation, in capitals or not. */
export function matches({ turns }: Conversation, search: string): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const texts = turns.map(({ text }) => text.toLowerCase());
  return words.every((word) => texts.some((text) => text.includes(word)));
}
