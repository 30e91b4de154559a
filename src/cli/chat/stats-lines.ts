/** @file What an answer cost, in words. */
import type { GenerateResult } from "../../engine/index.ts";
import { formatCount } from "../terminal/format.ts";
import type { Conversation } from "./conversation.ts";

/** Lines about one answer. */
export function answerLines({ usage, timings, finishReason }: GenerateResult): string[] {
  const ms = (value: number) => `${Math.round(value)} ms`;
  const rate = timings.perTokenMs > 0 ? `, ${(1000 / timings.perTokenMs).toFixed(1)} tokens/s` : "";
  const drafts =
    usage.draftedTokens === undefined
      ? ""
      : ` (${formatCount(usage.acceptedTokens ?? 0)} of ${formatCount(usage.draftedTokens)} guesses right)`;
  const tiles = (usage.imageTiles ?? 0) > 0 ? ` in ${formatCount(usage.imageTiles!)} tiles` : "";
  return [
    `prompt  ${formatCount(usage.promptTokens)} tokens (${formatCount(usage.imageTokens)} of pictures${tiles}, ${formatCount(usage.cachedTokens)} known from before)`,
    `answer  ${formatCount(usage.completionTokens)} tokens${drafts}, ended by ${finishReason}`,
    `time    ${ms(timings.totalMs)}: pictures ${ms(timings.imageMs)}, first token after ${ms(timings.timeToFirstTokenMs)}, then ${timings.perTokenMs.toFixed(1)} ms per token${rate}`,
  ];
}

/** Lines about the last answer and the conversation. */
export function statsLines({ last, totals }: Conversation): string[] {
  if (!last) return ["No answer yet."];
  const { answers, promptTokens, cachedTokens, completionTokens, ms } = totals;
  return [
    ...answerLines(last),
    `in all  ${answers} ${answers === 1 ? "answer" : "answers"}, ${formatCount(completionTokens)} tokens written, ` +
      `${formatCount(promptTokens)} read (${formatCount(cachedTokens)} known from before), ${(ms / 1000).toFixed(1)} s`,
  ];
}
