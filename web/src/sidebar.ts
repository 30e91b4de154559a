/** @file The list of kept conversations. */
import { h, ICONS, icon } from "./dom.ts";
import type { ConversationStore } from "./store.ts";
import { matches, titleOf } from "./titles.ts";
import type { Conversation } from "./types.ts";
import { t } from "./words.ts";

/** What the list needs from the page. */
export interface SidebarOptions {
  store: ConversationStore;
  isCurrent(id: string): boolean;
  onOpen(conversation: Conversation): void;
  onNew(): void;
  onRemoved(id: string): void;
}

/** The list; on narrow screens it lies over the page and is closed at first. */
export interface Sidebar {
  element: HTMLElement;
  toggle(): void;
  refresh(): Promise<void>;
}

/** Builds the list. */
export function sidebarView(options: SidebarOptions): Sidebar {
  const list = h("ul", {});
  const found = h("p", { class: "hint", role: "status" });
  const search = h("input", {
    type: "search",
    class: "search",
    placeholder: t("search"),
    "aria-label": t("search"),
    oninput: () => void refresh(),
  });
  const element = h(
    "nav",
    { id: "conversations", class: "conversations", "aria-label": t("conversations") },
    h(
      "button",
      {
        type: "button",
        class: "new",
        onclick: () => {
          close();
          options.onNew();
        },
      },
      icon(ICONS.add),
      t("newConversation"),
    ),
    search,
    found,
    list,
  );
  const setOpen = (open: boolean) => {
    element.classList.toggle("open", open);
    document.querySelector('[aria-controls="conversations"]')?.setAttribute("aria-expanded", String(open));
    if (open) element.querySelector("button")?.focus();
  };
  const close = () => setOpen(false);
  const refresh = async () => {
    const all = await options.store.list();
    const conversations = all.filter((conversation) => matches(conversation, search.value));
    search.hidden = all.length === 0;
    found.textContent = conversations.length === 0 && all.length > 0 ? t("notFound") : "";
    list.replaceChildren(
      ...conversations.map((conversation) => {
        const name = titleOf(conversation);
        return h(
          "li",
          { class: options.isCurrent(conversation.id) ? "current" : "" },
          h(
            "button",
            {
              type: "button",
              class: "open",
              "aria-current": options.isCurrent(conversation.id) ? "true" : undefined,
              onclick: () => {
                close();
                options.onOpen(conversation);
                void refresh();
              },
            },
            name,
          ),
          h(
            "button",
            {
              type: "button",
              class: "round",
              "aria-label": `${t("deleteConversation")}: ${name}`,
              title: t("deleteConversation"),
              onclick: async () => {
                await options.store.remove(conversation.id);
                options.onRemoved(conversation.id);
                await refresh();
              },
            },
            icon(ICONS.bin),
          ),
        );
      }),
    );
  };
  return { element, refresh, toggle: () => setOpen(!element.classList.contains("open")) };
}
