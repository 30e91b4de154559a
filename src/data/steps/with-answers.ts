/** @file Rows with sampled answers in the place of their own: as conversations, and as preference pairs. */

import { ANSWERS } from "../../train/rows.ts";
import type { SampledAnswer } from "./answers-file.ts";
import type { SampleStep } from "./keys.ts";

type Json = Readonly<Record<string, unknown>>;

const isAnswer = (turn: unknown): boolean =>
  ["gpt", "assistant"].includes(String((turn as Json | null)?.from ?? (turn as Json | null)?.role));

/** The row as it asks, without its last answer; where it is a list of turns, the key of that list. */
function asked(row: Json): { readonly row: Json; readonly list?: "conversations" | "messages" } {
  const list = (["conversations", "messages"] as const).find((key) => Array.isArray(row[key]));
  if (!list) return { row: Object.fromEntries(Object.entries(row).filter(([key]) => !ANSWERS.includes(key))) };
  const turns = row[list] as unknown[];
  return { row: { ...row, [list]: isAnswer(turns.at(-1)) ? turns.slice(0, -1) : turns }, list };
}

/** The row with another last answer. @example withAnswer({ question: "1 + 1?", answer: "3" }, "2") // { question: "1 + 1?", answer: "2" } */
export function withAnswer(row: Json, text: string): Json {
  const { row: rest, list } = asked(row);
  if (!list) return { ...rest, answer: text };
  const turn = list === "messages" ? { role: "assistant", content: text } : { from: "gpt", value: text };
  return { ...rest, [list]: [...(rest[list] as unknown[]), turn] };
}

/** The row as a preference pair. */
export const withPair = (row: Json, chosen: string, rejected: string): Json => ({
  ...asked(row).row,
  chosen,
  rejected,
});

/** What a step writes of a row; undefined where no answer is good enough, or none worse. */
export function rowOf(row: Json, answers: readonly SampledAnswer[], step: SampleStep): Json | undefined {
  // What the token limit cut is neither a good example nor a fair bad one.
  const whole = answers.filter(
    (answer): answer is SampledAnswer & { reward: number } => !answer.truncated && answer.reward !== null,
  );
  const sorted = [...whole].sort((a, b) => b.reward - a.reward);
  const best = sorted[0];
  if (!best || best.reward < step.least) return undefined;
  if (step.write === "best") return { ...withAnswer(row, best.text), reward: best.reward };
  const worst = sorted.at(-1)!;
  if (worst.text === best.text || best.reward - worst.reward < step.margin) return undefined;
  return withPair(row, best.text, worst.text);
}
