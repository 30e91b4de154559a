/** @file Asks for an answer and keeps its turn up to date while it arrives, measurements included. */
import { ask, ServerError } from "./api.ts";
import { problemText } from "./problem.ts";
import type { AskSettings, ModelTurn, Turn } from "./types.ts";

/**
 * Fills `turn` with the answer to `turns`; `changed` is called whenever there is more to show.
 * Never throws: what goes wrong becomes the turn's ending.
 *
 * @returns the error where the answer failed
 * @example const fault = await answerInto(turn, turns, settings, signal, () => view.update());
 */
export async function answerInto(
  turn: ModelTurn,
  turns: Turn[],
  settings: AskSettings,
  signal: AbortSignal,
  changed: () => void,
): Promise<unknown> {
  let fault: unknown;
  const begun = performance.now();
  let first = 0;
  try {
    for await (const piece of ask(turns, settings, signal)) {
      const now = performance.now();
      if (piece.tokens.length > 0 && first === 0) first = now;
      turn.text += piece.text;
      if (piece.reasoning) turn.reasoning = (turn.reasoning ?? "") + piece.reasoning;
      turn.tokens.push(...piece.tokens);
      if (first > 0) {
        const seconds = (now - first) / 1000;
        const count = turn.tokens.length;
        const speed =
          seconds > 0 && count > 1 && piece.tokens.length > 0
            ? (count - 1) / seconds
            : (turn.stats?.tokensPerSecond ?? 0);
        turn.stats = { ...turn.stats, firstTokenMs: first - begun, tokens: count, tokensPerSecond: speed };
      }
      if (piece.usage && turn.stats) {
        turn.stats.tokens = piece.usage.completion_tokens;
        turn.stats.promptTokens = piece.usage.prompt_tokens;
        turn.stats.cachedTokens = piece.usage.prompt_tokens_details.cached_tokens;
      }
      if (piece.ending) turn.ending = piece.ending;
      else changed();
    }
    if (!turn.ending) throw new ServerError(500, "The answer broke off.", "broken_off");
  } catch (error) {
    turn.ending = signal.aborted ? "cancelled" : "failed";
    if (!signal.aborted) {
      fault = error;
      turn.error = problemText(error);
    }
  }
  changed();
  return fault;
}
