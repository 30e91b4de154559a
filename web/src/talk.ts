/** @file The conversation under way: what is shown of it, what is asked, and what becomes of answers and refusals. */
import { answerInto } from "./answerer.ts";
import { ServerError } from "./api.ts";
import type { Composer, Draft } from "./composer.ts";
import { h } from "./dom.ts";
import { askForKey } from "./key-dialog.ts";
import { nextFrom, sentTurns } from "./memory.ts";
import { isTooLong, type ProblemBar, problemText, type Remedy } from "./problem.ts";
import { type ModelTurnView, modelTurnView, type TurnActions, userTurnView } from "./turn-view.ts";
import type { AskSettings, Conversation, ModelTurn } from "./types.ts";
import { t } from "./words.ts";

/** An answer under way is drawn at most so often, and kept so often. */
const DRAW_EVERY_MS = 40;
const KEEP_EVERY_MS = 1000;

/** What a conversation needs from the page. */
export interface TalkOptions {
  settings: AskSettings;
  composer: Composer;
  problem: ProblemBar;
  /** What is shown before the first question. */
  intro(): HTMLElement;
  /** What can be done with an answer, beside asking again. */
  actions(turn: ModelTurn, index: number): Omit<TurnActions, "onResend">;
  /** Tells assistive technology. */
  tell(text: string): void;
  /** Keeps the conversation as it is now. */
  keep(conversation: Conversation): Promise<void>;
}

/** The conversation that is shown. */
export interface Talk {
  /** The log of its turns. */
  element: HTMLElement;
  current(): Conversation;
  open(conversation: Conversation): void;
  send(draft: Draft): Promise<void>;
  /** Stops the answer under way; false when there is none. */
  stop(): boolean;
}

/** Builds the log and what happens in it. */
export function createTalk(conversation: Conversation, options: TalkOptions): Talk {
  const { settings, composer, problem } = options;
  let running: AbortController | undefined;
  const log = h("div", { class: "log", role: "log", "aria-live": "off", "aria-label": t("conversation"), tabindex: 0 });
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const toEnd = () => {
    log.scrollTop = log.scrollHeight;
  };

  const viewOf = (turn: ModelTurn, index: number): ModelTurnView =>
    modelTurnView(turn, pictureBefore(conversation, index), {
      ...options.actions(turn, index),
      onResend: () => void resend(index),
    });
  const show = () => {
    const { turns, from = 0 } = conversation;
    log.replaceChildren();
    if (turns.length === 0) log.append(options.intro());
    for (const [index, turn] of turns.entries()) {
      if (index === from && from > 0) log.append(h("p", { class: "forgotten" }, t("forgotten")));
      log.append(
        turn.role === "user"
          ? userTurnView(turn, () => composer.restore({ ...turn, instead: index }))
          : viewOf(turn, index).element,
      );
    }
    toEnd();
  };

  /** Asks for the answer to all turns of the conversation. @returns why there is none, not even a beginning */
  const answer = async (): Promise<unknown> => {
    running?.abort();
    const controller = new AbortController();
    running = controller;
    const asked = conversation;
    const turns = sentTurns(asked);
    const turn: ModelTurn = { role: "assistant", text: "", tokens: [] };
    asked.turns.push(turn);
    void options.keep(asked);
    show();
    const view = viewOf(turn, asked.turns.length - 1);
    log.lastElementChild?.replaceWith(view.element);
    composer.setBusy(true);
    options.tell("");
    let [drawn, kept] = [0, performance.now()];
    let later: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      clearTimeout(later);
      later = undefined;
      drawn = performance.now();
      const follow = atEnd();
      view.update();
      if (follow) toEnd();
      if (drawn - kept < KEEP_EVERY_MS || turn.ending) return;
      kept = drawn;
      void options.keep(asked);
    };
    const fault = await answerInto(turn, turns, settings, controller.signal, () => {
      // Markdown is drawn anew each time: often enough to look live, seldom enough to stay light. What came in between is
      // drawn a moment later, not with the next token: that may be long in coming.
      const wait = turn.ending === undefined ? drawn + DRAW_EVERY_MS - performance.now() : 0;
      if (wait <= 0) draw();
      else later ??= setTimeout(draw, wait);
    });
    if (running === controller) {
      running = undefined;
      composer.setBusy(false);
    }
    if (fault === undefined) options.tell(`${t("done")} ${turn.text}`);
    return turn.text === "" && !turn.reasoning ? fault : undefined;
  };

  /** Whether old turns are let go until the question fits: the reader has said so. */
  let forgetting = false;

  /**
   * Asks with other turns in the conversation. Where the server refuses, it is as before, and the reader is told what helps.
   *
   * @param giveBack puts what was asked back to where it came from; false where the reader has gone on
   * @param again asks once more
   */
  const attempt = async (
    next: Pick<Conversation, "turns" | "from">,
    giveBack: () => boolean,
    again: () => void,
  ): Promise<void> => {
    const asked = conversation;
    const before = { turns: asked.turns, from: asked.from };
    const count = next.turns.length;
    Object.assign(asked, next);
    problem.clear();
    const fault = await answer();
    const shorter = isTooLong(fault) ? nextFrom(asked, count) : undefined;
    const refused = fault !== undefined && asked === conversation && giveBack();
    if (refused) Object.assign(asked, before);
    const goesOn = refused && forgetting && shorter !== undefined;
    if (goesOn) asked.from = shorter;
    else forgetting = false;
    await options.keep(asked);
    if (!refused || asked !== conversation) return;
    show();
    if (goesOn) return again();
    if (isRefusedKey(fault) && (await askForKey())) return again();
    const alone = isTooLong(fault) && shorter === undefined;
    problem.show(alone ? t("tooLongAlone") : problemText(fault), remedyOf(fault, shorter, again));
  };

  const remedyOf = (fault: unknown, shorter: number | undefined, again: () => void): Remedy | undefined => {
    if (shorter !== undefined) {
      const forget = () => {
        conversation.from = shorter;
        forgetting = true;
        again();
      };
      return { label: t("forget"), action: forget };
    }
    if (isRefusedKey(fault)) {
      const enter = async () => {
        if (await askForKey()) again();
      };
      return { label: t("enterKey"), action: () => void enter() };
    }
    const passes = !(fault instanceof ServerError) || fault.status === 429 || fault.status >= 500;
    return passes ? { label: t("tryAgain"), action: again } : undefined;
  };

  const resend = (index: number): Promise<void> => {
    const { turns, from } = conversation;
    return attempt(
      { turns: turns.slice(0, index), from },
      () => true,
      () => void resend(index),
    );
  };

  const send = (draft: Draft): Promise<void> => {
    const before = conversation.turns.slice(0, draft.instead);
    const { text, pictures } = draft;
    const giveBack = () => {
      const free = composer.isEmpty();
      if (free) composer.restore(draft);
      return free;
    };
    return attempt(
      { turns: [...before, { role: "user", text, pictures }], from: Math.min(conversation.from ?? 0, before.length) },
      giveBack,
      () => composer.submit(),
    );
  };

  return {
    element: log,
    current: () => conversation,
    open(next) {
      running?.abort();
      problem.clear();
      conversation = next;
      show();
    },
    send,
    stop() {
      running?.abort();
      return running !== undefined;
    },
  };
}

const isRefusedKey = (fault: unknown): boolean => fault instanceof ServerError && fault.status === 401;

/** The picture that an answer is about: the one shown last. */
function pictureBefore({ turns }: Conversation, index: number): Blob | undefined {
  const shown = turns.slice(0, index).findLast((turn) => turn.role === "user" && turn.pictures.length > 0);
  return shown?.role === "user" ? shown.pictures.at(-1) : undefined;
}
