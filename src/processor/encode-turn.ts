/** @file Token ids of single turns: the one place that knows how ChatML and image slots are written. */
import type { Dialect } from "./dialect.ts";
import type { ImageInput } from "./image-types.ts";
import type { ContentPart } from "./messages.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Stands in the ids where an image's first feature goes. */
export const IMAGE_SLOT_FIRST = -200;
/** Stands in the ids where each further feature of the same image goes. */
export const IMAGE_SLOT_NEXT = -201;

/** What turns are written with. */
export interface TurnOptions {
  dialect: Dialect;
  /** Slots of each picture in order, or of every picture. */
  imageTokens: number | readonly number[];
}

/** Slots of picture number `index`. @throws RangeError when none are given for it */
function slotsOf({ imageTokens }: TurnOptions, index: number): number {
  const slots = typeof imageTokens === "number" ? imageTokens : imageTokens[index];
  if (slots === undefined)
    throw new RangeError(`imageTokens has no entry for picture ${index + 1}; expected one for each picture.`);
  return slots;
}

/**
 * A part of a prompt: a text that is encoded on its own, a control token, a mark (a control token where the tokenizer has it, and
 * text elsewhere), or the slots of a picture.
 */
export type Piece =
  | string
  | { control: string }
  | { mark: string }
  | { slots: number }
  /** A text in which control tokens are read as such. */
  | { template: string }
  | { ids: readonly number[] };

/** A prompt before it is encoded, with the images in the order of their slots. */
export interface Layout {
  pieces: Piece[];
  images: ImageInput[];
}

/** `<|im_end|>` and a newline, whichever the dialect. */
export const TURN_END: readonly Piece[] = [{ control: "<|im_end|>" }, "\n"];

/** `<|im_start|>assistant` and a newline: what makes the model answer. */
export const GENERATION_PROMPT: readonly Piece[] = [{ control: "<|im_start|>" }, "assistant\n"];

/** A turn's parts in the order in which they are written. The pictures' own order never changes. */
function orderedParts(content: string | readonly ContentPart[], { picturesFirst }: Dialect): readonly ContentPart[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  const pictures = content.filter((part) => part.type === "image");
  if (!picturesFirst || pictures.some(({ inPlace }) => inPlace)) return content;
  return [...pictures, ...content.filter((part) => part.type !== "image")];
}

/**
 * One whole turn. Text on both sides of a border between text parts is encoded as one text; an image part becomes
 * its slots, between the dialect's marks and followed by its newline, and the text after it is encoded together with that newline.
 */
export function pushTurn(
  { pieces, images }: Layout,
  role: string,
  content: string | readonly ContentPart[],
  options: TurnOptions,
): void {
  const { aroundPicture: around, newlineAfterPicture } = options.dialect;
  pieces.push({ control: "<|im_start|>" });
  let text = `${role}\n`;
  for (const part of orderedParts(content, options.dialect)) {
    if (part.type === "text") {
      text += part.text;
      continue;
    }
    pieces.push(text);
    if (part.type === "mark") {
      pieces.push({ mark: part.text });
      text = "";
      continue;
    }
    if (around) pieces.push({ control: around[0] });
    pieces.push({ slots: slotsOf(options, images.length) });
    if (around) pieces.push({ control: around[1] });
    images.push(part.image);
    text = part.bare && newlineAfterPicture === "unless-marked" ? "" : "\n";
  }
  pieces.push(text, ...TURN_END);
}

/** What stands in a turn without pictures, as an answer does: text between marks is one text. */
export function contentPieces(content: string | readonly ContentPart[]): Piece[] {
  if (typeof content === "string") return [content];
  const pieces: Piece[] = [];
  for (const part of content) {
    if (part.type === "mark") pieces.push({ mark: part.text });
    else if (part.type === "text" && typeof pieces.at(-1) === "string") pieces.push(pieces.pop() + part.text);
    else if (part.type === "text") pieces.push(part.text);
  }
  return pieces;
}

/**
 * The ids of pieces, in steps between which other work may be done.
 *
 * @param most more ids than this need not be right, only more
 */
export function* encodePieces(
  tokenizer: Tokenizer,
  pieces: readonly Piece[],
  most = Number.POSITIVE_INFINITY,
): Generator<void, number[]> {
  const ids: number[] = [];
  for (const piece of pieces) {
    if (typeof piece === "string") {
      for (const id of yield* tokenizer.encodeSteps(piece, most - ids.length)) ids.push(id);
    } else if ("mark" in piece) {
      const id = tokenizer.controlOf(piece.mark);
      for (const each of id === undefined ? yield* tokenizer.encodeSteps(piece.mark) : [id]) ids.push(each);
    } else if ("template" in piece) {
      for (const id of yield* tokenizer.encodeSteps(piece.template, most - ids.length, { controlTokens: true }))
        ids.push(id);
    } else if ("ids" in piece) for (const id of piece.ids) ids.push(id);
    else if ("control" in piece) ids.push(tokenizer.encodeControl(piece.control));
    else for (let slot = 0; slot < piece.slots; slot += 1) ids.push(slot === 0 ? IMAGE_SLOT_FIRST : IMAGE_SLOT_NEXT);
    if (ids.length > most) break;
  }
  return ids;
}

/** Refuse numbers of slots that no image can have. */
export function checkImageTokens(imageTokens: number | readonly number[]): void {
  for (const slots of [imageTokens].flat() as number[])
    if (!Number.isSafeInteger(slots) || slots < 1)
      throw new Error(`imageTokens is ${slots}; expected the tokens that the model makes of a picture, from 1 up.`);
}
