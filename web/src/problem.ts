/** @file What went wrong, in words, with what can be done about it. */
import { ServerError } from "./api.ts";
import { h, ICONS, icon } from "./dom.ts";
import { t } from "./words.ts";

/** A way out of a problem. */
export interface Remedy {
  label: string;
  action(): void;
}

/** The place of the page for the one problem that matters now. */
export interface ProblemBar {
  element: HTMLElement;
  show(text: string, remedy?: Remedy): void;
  clear(): void;
}

/** Builds the bar; empty at first. */
export function problemBar(): ProblemBar {
  // Never hidden: screen readers tell what comes into a region that is there.
  const element = h("div", { class: "problem", role: "alert" });
  const clear = () => element.replaceChildren();
  return {
    element,
    clear,
    show(text, remedy) {
      const act = () => {
        clear();
        remedy?.action();
      };
      element.replaceChildren(
        h("p", {}, text),
        ...(remedy ? [h("button", { type: "button", class: "wide", onclick: act }, remedy.label)] : []),
        h("button", { type: "button", class: "round", "aria-label": t("close"), onclick: clear }, icon(ICONS.close)),
      );
    },
  };
}

/** Whether the conversation is longer than the model can read. */
export const isTooLong = (error: unknown): boolean =>
  error instanceof ServerError && error.code === "context_length_exceeded";

/** An error of the server or of the browser, for a reader; what only the server can explain stays in its words. */
export function problemText(error: unknown): string {
  if (error instanceof TypeError) return t("unreachable");
  if (!(error instanceof ServerError)) return t("failed", error instanceof Error ? error.message : String(error));
  if (isTooLong(error)) return t("tooLong");
  switch (error.status) {
    case 401:
      return t("keyWrong");
    case 413:
      return t("bodyTooLarge");
    case 429:
      return t("busy");
    case 503:
      return t(error.code === "shutting_down" ? "stopping" : "loading");
    case 500:
      return t("serverFailed");
    default:
      return t("refused", error.message);
  }
}
