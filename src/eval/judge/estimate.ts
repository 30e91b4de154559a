/** @file What a judge will cost at least: the questions that rules leave open, before any is asked. */
import type { JudgeAsk } from "../../vlmeval/index.ts";

/** Dollars per million tokens. */
export interface JudgePrice {
  input: number;
  output: number;
}

export interface JudgeEstimate {
  questions: number;
  promptTokens: number;
  /** An upper bound: every reply at its limit. */
  completionTokens: number;
  dollars: number | null;
}

/** English text has about this many characters a token. */
const CHARACTERS_PER_TOKEN = 4;

/** @param first the first question of every open row; what follows depends on the replies */
export function estimateJudge(first: readonly JudgeAsk[], price: JudgePrice | null): JudgeEstimate {
  let [characters, completionTokens] = [0, 0];
  for (const { system = "", prompt, maxTokens } of first) {
    characters += system.length + prompt.length;
    completionTokens += maxTokens;
  }
  const promptTokens = Math.ceil(characters / CHARACTERS_PER_TOKEN);
  return {
    questions: first.length,
    promptTokens,
    completionTokens,
    dollars: dollarsFor(promptTokens, completionTokens, price),
  };
}

/** @example dollarsFor(1_000_000, 0, { input: 0.15, output: 0.6 }) // 0.15 */
export function dollarsFor(promptTokens: number, completionTokens: number, price: JudgePrice | null): number | null {
  return price === null ? null : (promptTokens * price.input + completionTokens * price.output) / 1e6;
}
