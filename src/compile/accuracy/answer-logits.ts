/** @file The logits of a prompt and of an answer to it, position by position. */
import { argMaxOf } from "./compare-logits.ts";
import type { PromptReader } from "./prompt-reader.ts";
import type { AccuracyPrompt } from "./sample-prompts.ts";

/** Logits [positions, vocabulary]: the prompt's last positions, then one per token of the answer. */
export interface AnswerLogits {
  answer: readonly number[];
  logits: Float32Array;
}

/**
 * Reads the prompt and then `answer`, or without one the likeliest `length` tokens.
 * @example await answerLogits(reader, prompt, 32)
 */
export async function answerLogits(
  reader: PromptReader,
  prompt: AccuracyPrompt,
  length: number,
  given?: readonly number[],
): Promise<AnswerLogits> {
  const answer: number[] = [];
  const parts = [(await reader.read(prompt)).slice()];
  for (let i = 0; i < length; i++) {
    const last = parts.at(-1)!;
    answer.push(given?.[i] ?? argMaxOf(last.subarray(last.length - reader.vocabulary)));
    parts.push((await reader.next(answer[i]!)).slice());
  }
  const logits = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    logits.set(part, at);
    at += part.length;
  }
  return { answer, logits };
}

/**
 * How many tokens of the reference's greedy answer another precision would have chosen too, before the first that it
 * would not. It has read the same tokens up to there, so this is where the two greedy answers part.
 */
export function greedyAgreement(answer: readonly number[], logits: Float32Array, vocabulary: number): number {
  const first = logits.length / vocabulary - answer.length - 1;
  const parting = answer.findIndex((token, i) => {
    const at = (first + i) * vocabulary;
    return argMaxOf(logits.subarray(at, at + vocabulary)) !== token;
  });
  return parting < 0 ? answer.length : parting;
}
