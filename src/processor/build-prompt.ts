/** @file Turns a conversation into the token ids that the model was trained to answer. */
import { checkImageTokens, pushGenerationPrompt, pushTurn } from "./encode-turn.ts";
import type { ImageInput } from "./image-types.ts";
import { InputError } from "./input-error.ts";
import { checkMessages, type Message } from "./messages.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { withSystem } from "./with-system.ts";

/** Ids with image slots, and what to put into them. */
export interface Prompt {
  /** Token ids; an image is one {@link IMAGE_SLOT_FIRST} and `imageTokens - 1` times {@link IMAGE_SLOT_NEXT}. */
  ids: number[];
  /** The images, in the order of their slots. */
  images: ImageInput[];
}

export interface PromptOptions {
  /** Slots per image: `image_token_num` of the model's config.json. */
  imageTokens: number;
  /** The system text; null for none at all. A system message that leads the conversation comes before it. */
  systemPrompt?: string | null;
  /** End with the opening of an assistant turn. Default true. */
  addGenerationPrompt?: boolean;
}

/**
 * Write a conversation as ChatML: the system prompt and then every turn as `<|im_start|>role⏎content<|im_end|>⏎`,
 * each encoded on its own, and at the end `<|im_start|>assistant⏎`. The control tokens are ids of their own;
 * the same characters typed in a message stay ordinary text.
 *
 * An image part becomes `imageTokens` slots followed by a newline, at its place in the turn: for one image before the
 * question that is `<|im_start|>user⏎[slots]⏎question<|im_end|>⏎`, which is how the published models were trained.
 * Several images in a turn follow each other in the same way; text before an image is encoded on its own.
 * A system message later than first becomes a turn at its place.
 *
 * @throws if the conversation is not well-formed ({@link checkMessages}), or if its last turn is not the user's
 * while an answer is asked for
 * @example
 * const { ids, images } = buildPrompt(tokenizer, withImages("board.png", [{ role: "user", content: "How much?" }]), {
 *   imageTokens: 256,
 * });
 */
export function buildPrompt(tokenizer: Tokenizer, messages: readonly Message[], options: PromptOptions): Prompt {
  const { imageTokens, systemPrompt, addGenerationPrompt = true } = options;
  checkMessages(messages);
  checkImageTokens(imageTokens);
  const last = messages[messages.length - 1]!;
  if (addGenerationPrompt && last.role !== "user") {
    throw new InputError(
      "invalid",
      `The last message is the ${last.role}'s; expected the user's, since an answer is asked for. ` +
        "Add a user turn, or set addGenerationPrompt to false.",
    );
  }
  const prompt: Prompt = { ids: [], images: [] };
  for (const turn of withSystem(messages, systemPrompt)) {
    pushTurn(tokenizer, prompt, turn.role, turn.content, imageTokens);
  }
  if (addGenerationPrompt) pushGenerationPrompt(tokenizer, prompt.ids);
  return prompt;
}
