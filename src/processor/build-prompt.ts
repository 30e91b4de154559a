/** @file Turns a conversation into the token ids that the model was trained to answer. */
import { finish } from "../common/index.ts";
import { CHATML, type Dialect, withSystem } from "./dialect.ts";
import {
  checkImageTokens,
  contentPieces,
  encodePieces,
  GENERATION_PROMPT,
  type Layout,
  pushTurn,
} from "./encode-turn.ts";
import type { ImageInput } from "./image-types.ts";
import { InputError } from "./input-error.ts";
import { checkMessages, type Message } from "./messages.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { type ToolDefinition, withTools } from "./tools.ts";

/** Ids with image slots, and what to put into them. */
export interface Prompt {
  /** Token ids; an image is one {@link IMAGE_SLOT_FIRST}, and one {@link IMAGE_SLOT_NEXT} for each further token of it. */
  ids: number[];
  /** The images, in the order of their slots. */
  images: ImageInput[];
}

export interface PromptOptions {
  /** Slots of each image in order, or of every image. A plan of the picture says how many. */
  imageTokens: number | readonly number[];
  /** Default: FlashVL's. */
  dialect?: Dialect;
  /** Functions that the model may call, described behind the system text. */
  tools?: readonly ToolDefinition[];
  /** The system text; null for none at all. A system message that leads the conversation comes before it. Default: the dialect's. */
  systemPrompt?: string | null;
  /** End with the opening of an assistant turn. Default true. */
  addGenerationPrompt?: boolean;
}

/**
 * Write a conversation as ChatML: the system prompt and then every turn as `<|im_start|>role⏎content<|im_end|>⏎`,
 * each encoded on its own, and at the end `<|im_start|>assistant⏎`. The control tokens are ids of their own;
 * the same characters typed in a message stay ordinary text.
 *
 * An image part becomes its slots followed by a newline. FlashVL was trained with the pictures of a turn before its text,
 * `<|im_start|>user⏎[slots]⏎question<|im_end|>⏎`, so they are written there wherever the parts stand; a part with `inPlace`
 * keeps all pictures of its turn where they are. Other dialects keep every order, or put marks around the slots. Text before
 * an image is encoded on its own.
 * A system message later than first becomes a turn at its place. Where the last turn is the assistant's and an answer is
 * asked for, it is left open: the answer goes on from its text.
 *
 * @throws if the conversation is not well-formed ({@link checkMessages}), or if its last turn is the system's
 * while an answer is asked for
 * @example
 * const { ids, images } = buildPrompt(tokenizer, withImages("board.png", [{ role: "user", content: "How much?" }]), {
 *   imageTokens: 256,
 * });
 */
export function buildPrompt(tokenizer: Tokenizer, messages: readonly Message[], options: PromptOptions): Prompt {
  const { pieces, images } = layOutPrompt(messages, options);
  return { ids: finish(encodePieces(tokenizer, pieces)), images };
}

/** What {@link buildPrompt} encodes: cheap, however long the texts are. */
export function layOutPrompt(messages: readonly Message[], options: PromptOptions): Layout {
  const { imageTokens, systemPrompt, tools, dialect = CHATML, addGenerationPrompt = true } = options;
  checkMessages(messages);
  checkImageTokens(imageTokens);
  const last = messages[messages.length - 1]!;
  if (addGenerationPrompt && last.role === "system") {
    throw new InputError(
      "invalid",
      "The last message is the system's; expected the user's, or the beginning of the assistant's answer. Add a user turn.",
    );
  }
  if (addGenerationPrompt && last.toolCalls?.length)
    throw new InputError("invalid", "The last message calls tools; expected their results, in messages of the tool.");
  const layout: Layout = { pieces: [], images: [] };
  // What the assistant is made to begin with is encoded on its own, as an answer is.
  const begun = addGenerationPrompt && last.role === "assistant" ? last : undefined;
  for (const turn of withTools(withSystem(messages, dialect, systemPrompt), tools)) {
    if (turn !== begun) pushTurn(layout, turn.role, turn.content, { dialect, imageTokens });
  }
  if (addGenerationPrompt) layout.pieces.push(...GENERATION_PROMPT);
  if (begun) layout.pieces.push(...contentPieces(begun.content));
  return layout;
}
