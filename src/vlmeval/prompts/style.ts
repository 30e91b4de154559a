/** @file The ways to ask a row, and what a row becomes under each. */
import type { ContentPart, ImageInput, Message } from "../../processor/index.ts";
import type { Cells, DefaultPrompt } from "./dataset-default.ts";
import { type DatasetType, flashvlPrompt } from "./flashvl.ts";
import { asksByItself, internvlContent, internvlPrompt, internvlTiles } from "./internvl.ts";
import { flattenParts, type PromptPart } from "./parts.ts";

/**
 * `flashvl`, `internvl`: as VLMEvalKit's adapter of that model asks, the second with its tile limits and longer answers;
 * `dataset-default`: as the set asks any model; `recommended`, `internvl-recommended`: as the adapter, but the set's own
 * where that drops what the question needs (MMMU-Pro's options, DynaMath's and COT variants' instructions; FlashVL's
 * adapter also further pictures).
 */
export const PROMPT_STYLES = ["flashvl", "internvl", "dataset-default", "recommended", "internvl-recommended"] as const;
export type PromptStyle = (typeof PROMPT_STYLES)[number];

/** Whether a style is one of InternVL's two. */
export const isInternvl = (style: PromptStyle): boolean => style.startsWith("internvl");

/** What decides a row's prompt. */
export interface PromptSource {
  name: string;
  type: DatasetType;
  defaultPrompt: DefaultPrompt;
}

/** The sets for which an adapter's prompt loses part of the question. */
const loses = ({ type, name }: PromptSource): boolean =>
  type === "MCQ_MMMU_Pro" || name.startsWith("DynaMath") || /cot/i.test(name);

/** Whether a row is asked as its set asks any model. */
function asksOwn(source: PromptSource, style: PromptStyle, pictures: number): boolean {
  switch (style) {
    case "flashvl":
      return false;
    case "internvl":
      return asksByItself(source.name);
    case "dataset-default":
      return true;
    case "recommended":
      return loses(source) || pictures > 1;
    case "internvl-recommended":
      return loses(source) || asksByItself(source.name);
  }
}

/**
 * Whether InternVL's adapter doubles the first picture of a row, which it does in every set with MMMU in its name: in
 * MMMU-Pro too, which it does not treat as MMMU otherwise.
 */
export const doublesFirst = ({ name, type }: PromptSource, style: PromptStyle): boolean =>
  isInternvl(style) && name.includes("MMMU") && (style === "internvl" || type !== "MCQ_MMMU_Pro");

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
  if (asksOwn(source, style, pictures.length)) return source.defaultPrompt(cells, pictures, source.name);
  const adapter = isInternvl(style) ? internvlPrompt : flashvlPrompt;
  return adapter(source.name, source.type, cells, pictures);
}

/**
 * A row as a conversation. Style `flashvl` flattens as the adapter does: one text, the first picture, which the model's
 * own prompt puts before the text. InternVL's put all pictures before it, with their limit of tiles. The other styles keep every picture in its place.
 */
export function promptMessages(
  source: PromptSource,
  style: PromptStyle,
  cells: Cells,
  images: readonly ImageInput[],
): { images: ImageInput[]; messages: Message[] } {
  const names = images.map((_, place) => String(place));
  const parts = promptParts(source, style, cells, names);
  if (isInternvl(style)) {
    const content = internvlContent(parts, images, internvlTiles(source.name, images.length));
    return { images: [], messages: [{ role: "user", content }] };
  }
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
          : { type: "image", image: images[Number(part.value)]!, inPlace: true },
    );
  return { images: [], messages: [{ role: "user", content }] };
}
