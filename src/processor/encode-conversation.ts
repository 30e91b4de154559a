/** @file Turns a finished conversation into ids and labels for supervised training. */
import { checkImageTokens, pushGenerationPrompt, pushTurn, pushTurnEnd } from "./encode-turn.ts";
import type { ImageInput } from "./image-types.ts";
import { InputError } from "./input-error.ts";
import { type ContentPart, checkMessages, type Message } from "./messages.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { withSystem } from "./with-system.ts";

/** The label of a position that is not trained (PyTorch's `ignore_index`). */
export const IGNORE_LABEL = -100;

/** A training row: `ids.length === labels.length`. */
export interface EncodedConversation {
  /** Token ids with image slots, as in a prompt. */
  ids: number[];
  /** The id itself where it is trained, {@link IGNORE_LABEL} elsewhere; not shifted. */
  labels: number[];
  /** The images, in the order of their slots. */
  images: ImageInput[];
}

export interface ConversationOptions {
  /** Slots per image: `image_token_num` of the model's config.json. */
  imageTokens: number;
  /** The system text; null for none at all. A system message that leads the conversation comes before it. */
  systemPrompt?: string | null;
}

function textOf(content: string | readonly ContentPart[]): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}

/**
 * Write a whole conversation as {@link buildPrompt} does, and label what is to be learnt: of every assistant turn the
 * answer's tokens, its `<|im_end|>` and the newline after it. Everything else, the opening `<|im_start|>assistant⏎`
 * too, is {@link IGNORE_LABEL}. An answer is encoded on its own, as the model generates it after that opening.
 *
 * @throws if the conversation is not well-formed ({@link checkMessages}) or no turn is the assistant's
 * @example
 * const row = encodeConversation(tokenizer, [
 *   { role: "user", content: [{ type: "image", image: "board.png" }, { type: "text", text: "How much?" }] },
 *   { role: "assistant", content: "16.8" },
 * ], { imageTokens: 256 });
 */
export function encodeConversation(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  { imageTokens, systemPrompt }: ConversationOptions,
): EncodedConversation {
  checkMessages(messages);
  checkImageTokens(imageTokens);
  if (!messages.some((message) => message.role === "assistant")) {
    throw new InputError(
      "invalid",
      "messages has no assistant turn; expected at least one, since its answer is what is trained.",
    );
  }
  const row: EncodedConversation = { ids: [], labels: [], images: [] };
  for (const turn of withSystem(messages, systemPrompt)) {
    if (turn.role !== "assistant") {
      pushTurn(tokenizer, row, turn.role, turn.content, imageTokens);
      continue;
    }
    pushGenerationPrompt(tokenizer, row.ids);
    const answer = tokenizer.encode(textOf(turn.content));
    pushTurnEnd(tokenizer, answer);
    while (row.labels.length < row.ids.length) row.labels.push(IGNORE_LABEL);
    for (const id of answer) {
      row.ids.push(id);
      row.labels.push(id);
    }
  }
  while (row.labels.length < row.ids.length) row.labels.push(IGNORE_LABEL);
  return row;
}
