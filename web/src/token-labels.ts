/** @file Names for the tokens of an answer: a token may be a part of a character, and then no text of its own. */
import type { Token } from "./types.ts";

/** Which part of a character a token is: 1st, 2nd, … */
const PARTS = "₁₂₃₄₅₆₇₈";

/**
 * One label for each token. A token that holds a part of a character is named after the whole one and numbered: a
 * character of three bytes that are three tokens becomes 豆₁ 豆₂ 豆₃.
 *
 * @example tokenLabels(answer.tokens); // ["The", "·", "豆₁", "豆₂", "豆₃"]
 */
export function tokenLabels(tokens: readonly Token[]): string[] {
  const encoder = new TextEncoder();
  const pieces = tokens.map(({ bytes, text }) => bytes ?? [...encoder.encode(text)]);
  const all = pieces.flat();
  // Bytes 10xxxxxx go on with a character, all others begin one.
  const begins = (at: number) => at >= all.length || (all[at]! & 0xc0) !== 0x80;
  let at = 0;
  let shared = -1;
  let part = 0;
  return pieces.map(({ length }) => {
    let [from, to] = [at, at + length];
    at = to;
    while (!begins(from)) from -= 1;
    while (!begins(to)) to += 1;
    const text = visible(new TextDecoder().decode(Uint8Array.from(all.slice(from, to))));
    if (to - from === length) return text;
    part = from === shared ? part + 1 : 0;
    shared = from;
    return `${text}${PARTS[part] ?? ""}`;
  });
}

/** White space, made visible. */
function visible(text: string): string {
  return text.replace(/\n/g, "⏎").replace(/^ | $/g, "·") || "∅";
}
