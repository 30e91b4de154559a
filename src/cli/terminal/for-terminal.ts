/** @file Makes a model's text safe to show: a model may write anything, also what a terminal takes for commands. */

/**
 * The text without control characters, but for newline and tab.
 *
 * @example forTerminal("a\u001b[2Jb") // "a[2Jb"
 */
export function forTerminal(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this removes
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
}
