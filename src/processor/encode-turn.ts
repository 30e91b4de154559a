/** @file Token ids of single turns: the one place that knows how ChatML and image slots are written. */
import type { ImageInput } from "./image-types.ts";
import type { ContentPart } from "./messages.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Stands in the ids where an image's first feature goes. */
export const IMAGE_SLOT_FIRST = -200;
/** Stands in the ids where each further feature of the same image goes. */
export const IMAGE_SLOT_NEXT = -201;

/** Ids under construction, with the images in the order of their slots. */
export interface TurnWriter {
  ids: number[];
  images: ImageInput[];
}

/** The tokens of a text that stands on its own. */
function pushText(tokenizer: Tokenizer, ids: number[], text: string): void {
  for (const id of tokenizer.encode(text)) ids.push(id);
}

/** `<|im_end|>` and a newline. */
export function pushTurnEnd(tokenizer: Tokenizer, ids: number[]): void {
  ids.push(tokenizer.encodeControl("<|im_end|>"));
  pushText(tokenizer, ids, "\n");
}

/** `<|im_start|>assistant` and a newline: what makes the model answer. */
export function pushGenerationPrompt(tokenizer: Tokenizer, ids: number[]): void {
  ids.push(tokenizer.encodeControl("<|im_start|>"));
  pushText(tokenizer, ids, "assistant\n");
}

/**
 * One whole turn. Text on both sides of a border between text parts is encoded as one text; an image part becomes
 * its slots followed by a newline, and the text after it is encoded together with that newline.
 */
export function pushTurn(
  tokenizer: Tokenizer,
  writer: TurnWriter,
  role: string,
  content: string | readonly ContentPart[],
  imageTokens: number,
): void {
  const { ids, images } = writer;
  ids.push(tokenizer.encodeControl("<|im_start|>"));
  let text = `${role}\n`;
  for (const part of typeof content === "string" ? [{ type: "text" as const, text: content }] : content) {
    if (part.type === "text") {
      text += part.text;
      continue;
    }
    pushText(tokenizer, ids, text);
    for (let i = 0; i < imageTokens; i++) ids.push(i === 0 ? IMAGE_SLOT_FIRST : IMAGE_SLOT_NEXT);
    images.push(part.image);
    text = "\n";
  }
  pushText(tokenizer, ids, text);
  pushTurnEnd(tokenizer, ids);
}

/** Refuse a number of slots that no image can have. */
export function checkImageTokens(imageTokens: number): void {
  if (!Number.isSafeInteger(imageTokens) || imageTokens < 1) {
    throw new Error(`imageTokens is ${imageTokens}; expected the model's image_token_num, a whole number from 1 up.`);
  }
}
