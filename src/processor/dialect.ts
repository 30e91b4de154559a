/** @file How a model's prompts are written: what stands around turns and pictures, and which tokens end an answer. */
import type { Message } from "./messages.ts";

/** A dialect of ChatML, in which every turn is `<|im_start|>role⏎content<|im_end|>⏎`. */
export interface Dialect {
  /** System text of a conversation that brings none; null for no system turn at all. */
  readonly systemPrompt: string | null;
  /** Control tokens before and after a picture's slots. */
  readonly aroundPicture?: readonly [before: string, after: string];
  /**
   * A picture brings a newline behind its slots: "always", or "unless-marked": where a mark in the text says where it goes,
   * only what is written there follows.
   */
  readonly newlineAfterPicture: "always" | "unless-marked";
  /**
   * Whether the model was trained with the pictures of a turn before its text. Then they are written so in whatever order they
   * came (OpenAI's examples have the text first), except in turns that say where a picture goes.
   */
  readonly picturesFirst: boolean;
  /** What is learnt behind an answer: its `<|im_end|>`, with or without the newline that closes the turn. */
  readonly trainsNewline: boolean;
  /** Whether end tokens of config.json and generation_config.json end an answer too, beside `<|im_end|>`. */
  readonly endsByConfig: boolean;
}

/** The conversation with its system message in front: its own leading one, else the given text, else (null) none. */
export function withSystem(
  messages: readonly Message[],
  { systemPrompt: own }: Dialect,
  systemPrompt: string | null = own,
): readonly Message[] {
  if (systemPrompt === null || messages[0]?.role === "system") return messages;
  return [{ role: "system", content: systemPrompt }, ...messages];
}

/** The system text that FlashVL was trained with. */
export const DEFAULT_SYSTEM_PROMPT = "You are a helpful assistant.";

/** ChatML as FlashVL writes it. */
export const CHATML: Dialect = {
  systemPrompt: DEFAULT_SYSTEM_PROMPT,
  newlineAfterPicture: "always",
  picturesFirst: true,
  trainsNewline: true,
  endsByConfig: true,
};
