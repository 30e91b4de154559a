/** @file A prompt as VLMEvalKit keeps it: a list of texts and pictures in order; and what it becomes for a model. */

/** `value` is the text, or a name for the picture: its place in the row, or a path. */
export interface PromptPart {
  type: "text" | "image";
  value: string;
}

export const textPart = (value: string): PromptPart => ({ type: "text", value });
export const imagePart = (value: string): PromptPart => ({ type: "image", value });

/**
 * What a model without interleaving gets: all texts joined by line breaks, and the first picture alone.
 * @example flattenParts([textPart("a"), imagePart("0"), textPart("b")]) // { text: "a\nb", image: "0" }
 */
export function flattenParts(parts: readonly PromptPart[]): { text: string; image: string | null } {
  const texts = parts.filter((part) => part.type === "text").map((part) => part.value);
  return { text: texts.join("\n"), image: parts.find((part) => part.type === "image")?.value ?? null };
}
