/** @file Turns a finished conversation into ids and labels for supervised training. */
import { finish } from "../common/index.ts";
import { CHATML, type Dialect, withSystem } from "./dialect.ts";
import {
  checkImageTokens,
  contentPieces,
  encodePieces,
  GENERATION_PROMPT,
  type Layout,
  pushTurn,
  TURN_END,
} from "./encode-turn.ts";
import type { ImageInput } from "./image-types.ts";
import { InputError } from "./input-error.ts";
import { checkMessages, type Message } from "./messages.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { type ToolDefinition, withTools } from "./tools.ts";

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
  /** Slots of each image in order, or of every image. A plan of the picture says how many. */
  imageTokens: number | readonly number[];
  /** Default: FlashVL's. */
  dialect?: Dialect;
  /** Functions that the assistant may call, described behind the system text. */
  tools?: readonly ToolDefinition[];
  /** The system text; null for none at all. A system message that leads the conversation comes before it. Default: the dialect's. */
  systemPrompt?: string | null;
}

/**
 * Write a whole conversation as {@link buildPrompt} does, and label what is to be learnt: of every assistant turn the
 * answer's tokens, its `<|im_end|>` and, where the dialect trains it, the newline after it. Everything else, the opening `<|im_start|>assistant⏎`
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
  { imageTokens, systemPrompt, tools, dialect = CHATML }: ConversationOptions,
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
  for (const turn of withTools(withSystem(messages, dialect, systemPrompt), tools)) {
    if (turn.role !== "assistant") {
      const layout: Layout = { pieces: [], images: row.images };
      pushTurn(layout, turn.role, turn.content, { dialect, imageTokens });
      for (const id of finish(encodePieces(tokenizer, layout.pieces))) row.ids.push(id);
      continue;
    }
    row.ids.push(...finish(encodePieces(tokenizer, GENERATION_PROMPT)));
    const answer = finish(encodePieces(tokenizer, contentPieces(turn.content)));
    const trained = answer.length + 1;
    answer.push(...finish(encodePieces(tokenizer, TURN_END)));
    while (row.labels.length < row.ids.length) row.labels.push(IGNORE_LABEL);
    for (const [i, id] of answer.entries()) {
      row.ids.push(id);
      row.labels.push(dialect.trainsNewline || i < trained ? id : IGNORE_LABEL);
    }
  }
  while (row.labels.length < row.ids.length) row.labels.push(IGNORE_LABEL);
  return row;
}
