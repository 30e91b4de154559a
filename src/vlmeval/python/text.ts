/** @file Python's text rules where JavaScript's differ: what counts as white space, and lengths in code points. */

/** The characters that `str.split`, `str.strip` and `\s` take for white space, for use inside a regular expression's brackets. */
export const PY_SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

const TOKEN = new RegExp(`[^${PY_SPACE}]+`, "g");

function isSpace(code: number): boolean {
  if (code <= 0x20) return (code >= 9 && code <= 13) || code >= 0x1c;
  if (code === 0x85 || code === 0xa0 || code === 0x1680 || code === 0x3000) return true;
  return (code >= 0x2000 && code <= 0x200a) || code === 0x2028 || code === 0x2029 || code === 0x202f || code === 0x205f;
}

/**
 * `str.split()` without arguments.
 * @example pySplit(" a\x1cb ") // ["a", "b"]
 */
export function pySplit(text: string): string[] {
  return text.match(TOKEN) ?? [];
}

/**
 * `str.strip()` without arguments.
 * @example pyStrip("\u3000x\n") // "x"
 */
export function pyStrip(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/**
 * `len(text)`: code points, not UTF-16 units.
 * @example codePointLength("😀") // 1
 */
export function codePointLength(text: string): number {
  let pairs = 0;
  for (let i = 0; i + 1 < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0xd800 || code > 0xdbff) continue;
    const next = text.charCodeAt(i + 1);
    if (next >= 0xdc00 && next <= 0xdfff) {
      pairs++;
      i++;
    }
  }
  return text.length - pairs;
}
