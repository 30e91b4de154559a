/** @file What MMMU and MMMU-Pro do to rows and replies before multiple-choice scoring. */
import { pyStrip } from "../python/text.ts";
import type { ScoringMode } from "./rules.ts";

/** An open question becomes this second option; the answer's text is the first. */
const OTHER = "Other Answers";

/**
 * A row without option A gets its answer as A and `Other Answers` as B (`MMMU_preproc`).
 * @returns the cells to use for scoring
 */
export function withOpenOptions<Cells extends Readonly<Record<string, string | null>>>(cells: Cells): Cells {
  if (cells.A !== null && cells.A !== undefined) return cells;
  return { ...cells, A: cells.answer ?? null, B: OTHER };
}

/** The right letter of a row: its answer if that is one capital letter, else A. */
export function mmmuTruth(answer: string | null | undefined): string {
  return answer !== null && answer !== undefined && /^[A-Z]$/.test(answer) ? answer : "A";
}

/**
 * What a chain of thought ends in: the letter after the last line that starts with `Answer:`, or the text there, or the
 * whole reply (`cot_postproc`). Correct mode also sees through the asterisks of `**Answer: B**`.
 * @example lastAnswer("Step one.\nAnswer: C", "compat") // "C"
 */
export function lastAnswer(response: string, mode: ScoringMode): string {
  let tail: string | null = null;
  for (const line of pyStrip(response).split("\n")) {
    const text = mode === "correct" ? pyStrip(line).replace(/^[*_#> ]+/, "") : pyStrip(line);
    if (text.startsWith("Answer:")) tail = text.slice("Answer:".length);
  }
  if (tail === null) return response;
  const capitals = new Set(tail.match(/[A-Z]/g));
  return capitals.size === 1 ? [...capitals][0]! : tail;
}
