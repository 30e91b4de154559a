/** @file The three ways to ask a row, and what a row becomes under each. */
import type { ContentPart, ImageInput, Message } from "../../../processor/index.ts";
import type { Cells, DefaultPrompt } from "./dataset-default.ts";
import { type DatasetType, flashvlPrompt } from "./flashvl.ts";
import { flattenParts, type PromptPart } from "./parts.ts";

/**
 * `flashvl`: as VLMEvalKit's FlashVL adapter asks; `dataset-default`: as the set asks any model; `recommended`: the
 * first, but the set's own where the first drops what the question needs (MMMU-Pro's options, DynaMath's and COT
 * variants' instructions, further pictures).
 */
export const PROMPT_STYLES = ["flashvl", "dataset-default", "recommended"] as const;
export type PromptStyle = (typeof PROMPT_STYLES)[number];

/** What decides a row's prompt. */
export interface PromptSource {
  name: string;
  type: DatasetType;
  defaultPrompt: DefaultPrompt;
}

/** The sets for which FlashVL's prompt loses part of the question. */
function loses(source: PromptSource, pictures: number): boolean {
  return (
    source.type === "MCQ_MMMU_Pro" || source.name.startsWith("DynaMath") || /cot/i.test(source.name) || pictures > 1
  );
}

/**
 * The parts of a row's prompt.
 * @param pictures names for the row's pictures, in order
 */
export function promptParts(
  source: PromptSource,
  style: PromptStyle,
  cells: Cells,
  pictures: readonly string[],
): PromptPart[] {
  const own = style === "dataset-default" || (style === "recommended" && loses(source, pictures.length));
  if (own) return source.defaultPrompt(cells, pictures, source.name);
  return flashvlPrompt(source.name, source.type, cells, pictures);
}

/**
 * A row as a conversation. Style `flashvl` flattens as the adapter does: one text, the first picture, which the model's
 * own prompt puts before the text. The other styles keep every picture in its place.
 */
export function promptMessages(
  source: PromptSource,
  style: PromptStyle,
  cells: Cells,
  images: readonly ImageInput[],
): { images: ImageInput[]; messages: Message[] } {
  const names = images.map((_, place) => String(place));
  const parts = promptParts(source, style, cells, names);
  if (style === "flashvl") {
    const { text, image } = flattenParts(parts);
    const first = image === null ? [] : [images[Number(image)]!];
    return { images: first, messages: [{ role: "user", content: text }] };
  }
  const shown = parts.filter((part) => part.type === "image").map((part) => images[Number(part.value)]!);
  const texts = parts.filter((part) => part.type === "text");
  // With its pictures all in front, a prompt needs no interleaving; the caller's picture list says the same.
  const leading = parts.findIndex((part) => part.type === "text");
  if (texts.length === 1 && (leading === shown.length || leading === 0)) {
    return { images: shown, messages: [{ role: "user", content: texts[0]!.value }] };
  }
  const content = parts
    .filter((part) => part.type === "image" || part.value !== "")
    .map(
      (part): ContentPart =>
        part.type === "text"
          ? { type: "text", text: part.value }
          : { type: "image", image: images[Number(part.value)]! },
    );
  return { images: [], messages: [{ role: "user", content }] };
}
