/** @file Decides which system text a conversation runs under. */
import type { Message } from "./messages.ts";

/** The system text that the published models were trained with. */
export const DEFAULT_SYSTEM_PROMPT = "You are a helpful assistant.";

/** The conversation with its system message in front: its own leading one, else the given text, else (null) none. */
export function withSystem(
  messages: readonly Message[],
  systemPrompt: string | null = DEFAULT_SYSTEM_PROMPT,
): readonly Message[] {
  if (systemPrompt === null || messages[0]?.role === "system") return messages;
  return [{ role: "system", content: systemPrompt }, ...messages];
}
