/** @file The page: header, list of conversations, the conversation itself and the message box. */
import { type CodeLanguage, toCode } from "./code.ts";
import { createComposer, type Draft } from "./composer.ts";
import { h, ICONS, icon } from "./dom.ts";
import { acceptPictures } from "./drop.ts";
import { openExport } from "./export.ts";
import { introView } from "./intro.ts";
import { openLook } from "./look.ts";
import { sentTurns } from "./memory.ts";
import { problemBar, problemText } from "./problem.ts";
import { loadSettings, openSettings } from "./settings.ts";
import { sidebarView } from "./sidebar.ts";
import { type ConversationStore, fresh, lastOpened } from "./store.ts";
import { createTalk } from "./talk.ts";
import { titleOf } from "./titles.ts";
import type { About, Conversation, ModelTurn } from "./types.ts";
import { firstLanguage, setLanguage, t } from "./words.ts";

/**
 * Builds the page into `root`; called again when the language changes.
 *
 * @param conversation what to show first
 */
export function startChat(root: HTMLElement, about: About, store: ConversationStore, conversation: Conversation): void {
  const language = firstLanguage(localStorage.getItem("flashvl-language"));
  setLanguage(language);
  const settings = loadSettings(about.limits);
  const status = h("p", { class: "visually-hidden", role: "status" });
  const notices = h("div", { class: "notices", role: "alert" });
  const notice = (text: string) => {
    const element = h("p", { class: "notice" }, text);
    notices.append(element);
    setTimeout(() => element.remove(), 8000);
  };
  const problem = problemBar();

  const open = (next: Conversation) => {
    talk.open(next);
    opened();
    composer.focus();
  };
  const opened = () => {
    const { id, turns } = talk.current();
    lastOpened.set(id);
    document.title = turns.length > 0 ? `${titleOf(talk.current())} · FlashVL` : "FlashVL";
  };
  const copy = async (text: string) => {
    try {
      await navigator.clipboard.writeText(text);
      status.textContent = t("copied");
      notice(t("copied"));
    } catch {
      // Browsers offer the clipboard on https and localhost only.
      notice(t("cannotCopy"));
    }
  };
  const actions = (turn: ModelTurn, index: number) => {
    const before = () => sentTurns(talk.current(), index);
    const target = { origin: location.origin, model: about.model, needsKey: about.needsKey };
    const pictures = before().some((earlier) => earlier.role === "user" && earlier.pictures.length > 0);
    return {
      onCopy: () => void copy(turn.text),
      onCode: async (code: CodeLanguage) => copy(await toCode(code, before(), settings, target)),
      onLook: about.attention && pictures ? () => openLook(before(), turn, settings.system) : undefined,
    };
  };
  const send = (draft: Draft) => {
    const refusal = refusalOf(draft);
    if (refusal === undefined) return void talk.send(draft);
    composer.restore(draft);
    problem.show(refusal);
  };
  const refusalOf = ({ pictures, instead }: Draft): string | undefined => {
    if (settings.schema.trim() && !isJson(settings.schema)) return t("schemaFaulty");
    const earlier = sentTurns(talk.current(), instead).flatMap((turn) => (turn.role === "user" ? turn.pictures : []));
    const { pictures: most } = about.limits;
    return earlier.length + pictures.length > most ? t("tooMany", most) : undefined;
  };

  const composer = createComposer({
    maxPictureBytes: about.limits.pictureBytes,
    onSend: send,
    onStop: () => talk.stop(),
    onNotice: notice,
  });
  const talk = createTalk(conversation, {
    settings,
    composer,
    problem,
    actions,
    intro: () => introView(about, language, composer, (error) => notice(problemText(error))),
    tell(text) {
      status.textContent = text;
    },
    async keep(kept) {
      kept.updated = Date.now();
      opened();
      // Where the first message was refused, there is nothing to come back to.
      if (kept.turns.length > 0) await store.put(kept);
      else await store.remove(kept.id);
      await sidebar.refresh();
    },
  });
  const sidebar = sidebarView({
    store,
    isCurrent: (id) => id === talk.current().id,
    onOpen: open,
    onNew: () => open(fresh()),
    onRemoved: (id) => id === talk.current().id && open(fresh()),
  });
  const showSettings = () =>
    openSettings({
      settings,
      about,
      language,
      onLanguage(chosen) {
        localStorage.setItem("flashvl-language", chosen);
        document.querySelector("dialog.settings")?.remove();
        talk.stop();
        startChat(root, about, store, talk.current());
      },
      onClose: () => composer.focus(),
    });
  const showExport = () => {
    if (talk.current().turns.length === 0) notice(t("nothingToExport"));
    else openExport(talk.current(), about.model);
  };

  const button = (name: string, path: string, action: () => void, more = {}) =>
    h(
      "button",
      { type: "button", class: "round", "aria-label": name, title: name, onclick: action, ...more },
      icon(path),
    );
  const page = h(
    "div",
    { class: "page" },
    h("a", { class: "skip", href: "#message" }, t("skip")),
    h(
      "header",
      {},
      button(t("conversations"), ICONS.list, () => sidebar.toggle(), {
        "aria-expanded": "false",
        "aria-controls": "conversations",
      }),
      h("h1", {}, "FlashVL"),
      h("span", { class: "name" }, about.model),
      button(t("export"), ICONS.save, showExport),
      // On wide screens the list beside the conversation has this button.
      button(t("newConversation"), ICONS.add, () => open(fresh()), { class: "round narrow" }),
      button(t("settings"), ICONS.settings, showSettings),
    ),
    sidebar.element,
    h("main", {}, talk.element, problem.element, composer.element),
    status,
    notices,
    h("div", { class: "drop", "aria-hidden": "true" }, t("dropHere")),
  );
  page.addEventListener("keydown", (event) => {
    if (event.key === "Escape") talk.stop();
  });
  acceptPictures(page, (files) => void composer.add(files));
  root.replaceChildren(page);
  void sidebar.refresh();
  open(conversation);
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}
