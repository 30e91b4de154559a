/** @file The punctuation rule that yes/no questions and VQA answers share (VLMEvalKit `process_punctuation`, after the VQA evaluation code). */
import type { ScoringMode } from "./rules.ts";

const MARKS = [...';/[]"{}()=+\\_-><@`,?!'];
const COMMA_IN_NUMBER = /\p{Nd},\p{Nd}/u;
const LONE_FULL_STOP = /(?<!\p{Nd})\.(?!\p{Nd})/gu;
/** Upstream passes `re.UNICODE` (32) where the number of replacements belongs. */
const UPSTREAM_FULL_STOPS = 32;

/**
 * Each mark is deleted if the text has it beside a space, or has a comma between digits anywhere; else it becomes a
 * space. Then full stops that touch no digit go, in compatibility mode the first 32 of them only.
 * @example processPunctuation("yes, no", "compat") // "yes no"
 */
export function processPunctuation(text: string, mode: ScoringMode): string {
  const deleteAll = COMMA_IN_NUMBER.test(text);
  let out = text;
  for (const mark of MARKS) {
    if (!out.includes(mark)) continue;
    const besideSpace = text.includes(`${mark} `) || text.includes(` ${mark}`);
    out = out.replaceAll(mark, deleteAll || besideSpace ? "" : " ");
  }
  let count = 0;
  return out.replace(LONE_FULL_STOP, (stop) => (mode === "compat" && count++ >= UPSTREAM_FULL_STOPS ? stop : ""));
}
