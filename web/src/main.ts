/** @file Starts the page as soon as the server answers. */
import { about, apiKey, ServerError } from "./api.ts";
import { startChat } from "./chat.ts";
import { h } from "./dom.ts";
import { askForKey } from "./key-dialog.ts";
import { loadTheme, setTheme } from "./settings.ts";
import { firstConversation, openStore } from "./store.ts";
import type { About } from "./types.ts";
import { firstLanguage, setLanguage, t } from "./words.ts";

/** Pause between two attempts to reach the server. */
const RETRY_MS = 2000;

setTheme(loadTheme());
setLanguage(firstLanguage(localStorage.getItem("flashvl-language")));
const root = document.querySelector<HTMLElement>("#app")!;
const server = await reach();
const store = await openStore();
startChat(root, server, store, await firstConversation(store));
if (server.needsKey && apiKey.get() === "") void askForKey();

async function reach(): Promise<About> {
  for (;;) {
    try {
      return await about();
    } catch (error) {
      const loading = error instanceof ServerError && error.status === 503;
      root.replaceChildren(
        h(
          "main",
          { class: "starting" },
          h("h1", {}, "FlashVL"),
          h("p", { role: "status" }, t(loading ? "loading" : "offline")),
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
