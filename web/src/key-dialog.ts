/** @file Asks for the API key of servers that want one, and tries it before it is kept. */
import { apiKey, checkKey, ServerError } from "./api.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { problemText } from "./problem.ts";
import { t } from "./words.ts";

/**
 * Opens the dialog; resolves with true when there is a key that the server takes, with false when the reader closes it.
 *
 * @example if (await askForKey()) await askAgain();
 */
export function askForKey(): Promise<boolean> {
  return new Promise((resolve) => {
    let accepted = false;
    const input = h("input", { id: "key", type: "password", autocomplete: "current-password", required: true });
    input.value = apiKey.get();
    const fault = h("p", { class: "error", id: "key-fault", role: "alert" });
    const submit = async (event: Event) => {
      event.preventDefault();
      fault.textContent = "";
      try {
        await checkKey(input.value.trim());
      } catch (error) {
        const wrong = error instanceof ServerError && error.status === 401;
        fault.textContent = wrong ? t("keyWrong") : problemText(error);
        input.setAttribute("aria-describedby", "key-fault");
        input.select();
        return;
      }
      accepted = true;
      apiKey.set(input.value.trim());
      dialog.close();
    };
    const form = h(
      "form",
      { class: "field", onsubmit: submit },
      h("label", { for: "key" }, t("key")),
      input,
      h("p", { class: "hint" }, t("keyHint")),
      fault,
      h("div", { class: "row end" }, h("button", { type: "submit", class: "wide primary" }, t("keyUse"))),
    );
    const dialog = openDialog("ask-key", t("keyTitle"), [form], () => resolve(accepted));
    input.focus();
  });
}
