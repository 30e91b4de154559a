/** @file The page: header, list of conversations, the conversation itself and the message box. */
import { answerInto } from "./answerer.ts";
import { type CodeLanguage, toCode } from "./code.ts";
import { type Composer, createComposer } from "./composer.ts";
import { h, ICONS, icon } from "./dom.ts";
import { examplePicture } from "./example.ts";
import { openLook } from "./look.ts";
import { loadSettings, openSettings } from "./settings.ts";
import { sidebarView } from "./sidebar.ts";
import type { ConversationStore } from "./store.ts";
import { type ModelTurnView, modelTurnView, userTurnView } from "./turn-view.ts";
import type { About, Conversation, ModelTurn, UserTurn } from "./types.ts";
import { firstLanguage, type Language, setLanguage, t } from "./words.ts";

/** An answer under way is drawn at most so often. */
const DRAW_EVERY_MS = 40;

/** Builds the page into `root`; called again when the language changes. */
export function startChat(root: HTMLElement, about: About, store: ConversationStore): void {
  let language: Language = firstLanguage(localStorage.getItem("flashvl-language"));
  setLanguage(language);
  const settings = loadSettings(about.limits);
  let conversation: Conversation = fresh();
  let running: AbortController | undefined;

  const log = h("div", { class: "log", role: "log", "aria-live": "off", tabindex: 0 });
  const status = h("p", { class: "visually-hidden", role: "status" });
  const notices = h("div", { class: "notices", role: "alert" });
  const notice = (text: string) => {
    const element = h("p", { class: "notice" }, text);
    notices.append(element);
    setTimeout(() => element.remove(), 8000);
  };
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const toEnd = () => {
    log.scrollTop = log.scrollHeight;
  };

  const save = () => {
    conversation.updated = Date.now();
    void store.put(conversation).then(sidebar.refresh);
  };
  const show = () => {
    log.replaceChildren();
    if (conversation.turns.length === 0) {
      log.append(introView(about.needsKey, composer, notice));
    }
    for (const [index, turn] of conversation.turns.entries())
      log.append(turn.role === "user" ? userTurnView(turn) : viewOf(turn, index).element);
    toEnd();
  };
  const open = (next: Conversation) => {
    running?.abort();
    conversation = next;
    show();
    composer.focus();
  };

  const viewOf = (turn: ModelTurn, index: number): ModelTurnView => {
    const before = () => conversation.turns.slice(0, index);
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
    const pictures = before().some((earlier) => earlier.role === "user" && earlier.pictures.length > 0);
    return modelTurnView(turn, {
      onCopy: () => void copy(turn.text),
      onCode: async (code: CodeLanguage) =>
        copy(
          await toCode(code, before(), settings, {
            origin: location.origin,
            model: about.model,
            needsKey: about.needsKey,
          }),
        ),
      onResend: () => {
        conversation.turns = before();
        void answer();
      },
      onLook: about.attention && pictures ? () => openLook(before(), turn, settings.system) : undefined,
    });
  };

  const answer = async () => {
    running?.abort();
    const controller = new AbortController();
    running = controller;
    const asked = conversation;
    const turns = [...asked.turns];
    const turn: ModelTurn = { role: "assistant", text: "", tokens: [] };
    asked.turns.push(turn);
    show();
    const view = viewOf(turn, turns.length);
    log.lastElementChild?.replaceWith(view.element);
    composer.setBusy(true);
    status.textContent = "";
    let drawn = 0;
    let later: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      clearTimeout(later);
      later = undefined;
      drawn = performance.now();
      const follow = atEnd();
      view.update();
      if (follow) toEnd();
    };
    await answerInto(turn, turns, settings, controller.signal, () => {
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
    status.textContent = turn.ending === "failed" ? "" : `${t("done")} ${turn.text}`;
    asked.updated = Date.now();
    await store.put(asked);
    await sidebar.refresh();
  };

  const send = (text: string, pictures: Blob[]) => {
    if (settings.schema.trim() && !isJson(settings.schema)) return notice(t("schemaFaulty"));
    const already = conversation.turns.reduce(
      (sum, turn) => sum + (turn.role === "user" ? turn.pictures.length : 0),
      0,
    );
    if (already + pictures.length > about.limits.pictures) return notice(t("tooMany", about.limits.pictures));
    const turn: UserTurn = { role: "user", text, pictures };
    conversation.turns.push(turn);
    save();
    void answer();
  };

  const composer = createComposer({
    maxPictureBytes: () => about.limits.pictureBytes,
    onSend: send,
    onStop: () => running?.abort(),
    onNotice: notice,
  });
  const sidebar = sidebarView({
    store,
    isCurrent: (id) => id === conversation.id,
    onOpen: open,
    onNew: () => open(fresh()),
    onRemoved: (id) => id === conversation.id && open(fresh()),
  });
  const showSettings = () =>
    openSettings({
      settings,
      about,
      language,
      onLanguage(chosen) {
        language = chosen;
        localStorage.setItem("flashvl-language", chosen);
        document.querySelector("dialog.settings")?.remove();
        running?.abort();
        startChat(root, about, store);
      },
      onClose: () => composer.focus(),
    });

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
      h("strong", {}, "FlashVL"),
      h("span", { class: "name" }, about.model),
      // On wide screens the list beside the conversation has this button.
      button(t("newConversation"), ICONS.add, () => open(fresh()), { class: "round narrow" }),
      button(t("settings"), ICONS.settings, showSettings),
    ),
    sidebar.element,
    h("main", {}, log, composer.element),
    status,
    notices,
    h("div", { class: "drop", "aria-hidden": "true" }, t("dropHere")),
  );
  page.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && running) running.abort();
  });
  acceptPictures(page, (files) => void composer.add(files));
  root.replaceChildren(page);
  void sidebar.refresh();
  show();
  composer.focus();
}

/** What an empty conversation shows: what can be done here, and ways to begin. */
function introView(needsKey: boolean, composer: Composer, notice: (text: string) => void): HTMLElement {
  const examples = [t("example1"), t("example2"), t("example3")];
  const tryExample = async () => {
    try {
      await composer.add([await examplePicture()]);
      composer.suggest(t("exampleQuestion"));
    } catch (error) {
      notice(t("failed", error instanceof Error ? error.message : String(error)));
    }
  };
  return h(
    "div",
    { class: "intro" },
    h("h1", {}, t("title")),
    h("p", {}, t("intro")),
    needsKey ? h("p", {}, t("needsKey")) : undefined,
    h(
      "div",
      { class: "begin" },
      h(
        "button",
        { type: "button", class: "choose", onclick: () => composer.choose() },
        icon(ICONS.attach),
        t("choose"),
      ),
      h(
        "button",
        { type: "button", class: "choose", onclick: () => void tryExample() },
        icon(ICONS.eye),
        t("tryExample"),
      ),
    ),
    h(
      "div",
      { class: "examples", role: "group", "aria-label": t("examples") },
      ...examples.map((question) =>
        h("button", { type: "button", class: "chip", onclick: () => composer.suggest(question) }, question),
      ),
    ),
  );
}

function fresh(): Conversation {
  // Not crypto.randomUUID: browsers offer it on https and localhost only, and this need only be new in this browser.
  const id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  return { id, updated: Date.now(), turns: [] };
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

/** Pictures may be dropped or pasted anywhere on the page. */
function acceptPictures(page: HTMLElement, onFiles: (files: File[]) => void): void {
  let inside = 0;
  const mark = (change: number) => {
    inside = Math.max(0, inside + change);
    page.classList.toggle("dropping", inside > 0);
  };
  page.addEventListener("dragenter", (event) => {
    event.preventDefault();
    mark(1);
  });
  page.addEventListener("dragleave", () => mark(-1));
  page.addEventListener("dragover", (event) => event.preventDefault());
  page.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    onFiles(files);
  });
  page.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(-inside);
    onFiles([...(event.dataTransfer?.files ?? [])]);
  });
}
