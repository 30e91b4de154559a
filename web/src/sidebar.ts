/** @file The list of kept conversations. */
import { h, ICONS, icon } from "./dom.ts";
import type { ConversationStore } from "./store.ts";
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
    list,
  );
  const setOpen = (open: boolean) => {
    element.classList.toggle("open", open);
    document.querySelector('[aria-controls="conversations"]')?.setAttribute("aria-expanded", String(open));
    if (open) element.querySelector("button")?.focus();
  };
  const close = () => setOpen(false);
  const refresh = async () => {
    const conversations = await options.store.list();
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

/** The beginning of the first question. */
function titleOf({ turns }: Conversation): string {
  const text = turns.find((turn) => turn.role === "user" && turn.text)?.text ?? "";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text || t("untitled");
}
