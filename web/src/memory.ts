/** @file Which turns of a conversation the model is sent: all, until they no longer fit and the reader lets old ones go. */
import type { Conversation, Turn, UserTurn } from "./types.ts";

const isUser = (turn: Turn): turn is UserTurn => turn.role === "user";

/**
 * The first `count` turns without those that were let go. The picture that the conversation was about last stays: it comes with the first turn that is
 * left where no later turn has one.
 */
export function sentTurns({ turns, from = 0 }: Conversation, count = turns.length): Turn[] {
  const sent = turns.slice(from, count);
  const [first, ...rest] = sent;
  if (from === 0 || !first || !isUser(first) || sent.some((turn) => isUser(turn) && turn.pictures.length > 0))
    return sent;
  const shown = turns.slice(0, from).findLast((turn) => isUser(turn) && turn.pictures.length > 0) as
    | UserTurn
    | undefined;
  return shown ? [{ ...first, pictures: shown.pictures }, ...rest] : sent;
}

/**
 * Where the conversation would begin if its oldest exchange were let go too; undefined when only the last question of the first `count` turns is left.
 */
export function nextFrom({ turns, from = 0 }: Conversation, count = turns.length): number | undefined {
  const next = turns.findIndex((turn, index) => index > from && index < count && isUser(turn));
  return next < 0 ? undefined : next;
}
