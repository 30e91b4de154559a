/** @file Put each picture where its tag `<image N>` stands, as MMMU's questions need. */
import { PythonError } from "../python/errors.ts";
import { imagePart, type PromptPart, textPart } from "./parts.ts";

const TAG = "<image ";

/**
 * VLMEvalKit's `split_MMMU`: one text is cut at its tags; without tags the parts stay as they are.
 * @throws PythonError if a tag is not one digit and `>`, or names a picture that the row lacks
 * @example splitAtImageTags([imagePart("0"), textPart("See <image 1> here")])
 */
export function splitAtImageTags(parts: readonly PromptPart[]): PromptPart[] {
  const texts = parts.filter((part) => part.type === "text");
  if (texts.length !== 1) throw new PythonError("AssertionError", `a prompt has ${texts.length} texts; expected one`);
  const images = parts.filter((part) => part.type === "image").map((part) => part.value);
  const [before, ...segments] = texts[0]!.value.split(TAG);
  if (segments.length === 0) return [...parts];
  const out = [textPart(before!)];
  for (const segment of segments) {
    if (/^\d?$/.test(segment)) throw new PythonError("IndexError", "string index out of range");
    if (!/^\d>/.test(segment)) {
      const found = `${TAG}${segment.slice(0, 8)}`;
      throw new PythonError("AssertionError", `${JSON.stringify(found)} is not "<image N>" with one digit N`);
    }
    // Python counts from the end for -1, so tag 0 is the last picture.
    const image = images.at(Number(segment[0]) - 1);
    if (image === undefined)
      throw new PythonError("IndexError", `the prompt names picture ${segment[0]} of ${images.length}`);
    out.push(imagePart(image), textPart(segment.slice(2)));
  }
  return out;
}
