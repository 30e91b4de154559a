/** @file Finds the part of an answer that counts: what stands in `<answer>`, or what is left without the thinking. */

/**
 * The text to score, normalised: full-width forms made plain (Unicode NFKC), lower case, one space for many. Thinking
 * never counts. Without tags the whole text counts; a chain that never ends leaves nothing.
 */
export function finalPart(answer: string): string {
  const opened = answer.lastIndexOf("<answer>");
  let text = answer;
  if (opened >= 0) {
    const inside = answer.slice(opened + "<answer>".length);
    const closed = inside.indexOf("</answer>");
    text = closed >= 0 ? inside.slice(0, closed) : inside;
  } else {
    text = answer.replace(/<think>[\s\S]*?(<\/think>|$)/g, "").replace(/^[\s\S]*<\/think>/, "");
  }
  return normalise(text);
}

/** Full-width forms made plain, lower case, one space for many. */
export function normalise(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
}

/** The parts in bold (`**…**`), which carry the result in the style that training teaches; empty when there are none. */
export function boldParts(text: string): string[] {
  return [...text.matchAll(/\*\*(.+?)\*\*/g)].map((match) => match[1]!);
}
