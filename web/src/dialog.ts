/** @file A modal dialog with a title and a button that closes it. */
import { h, ICONS, icon } from "./dom.ts";
import { t } from "./words.ts";

/**
 * Opens a dialog; it leaves the page when it closes.
 *
 * @param name its class in the style sheet
 * @param onClose called once, however it closes
 * @example const dialog = openDialog("look", t("look"), [picture, note]);
 */
export function openDialog(
  name: string,
  title: string,
  children: (Node | string | undefined)[],
  onClose: () => void = () => {},
): HTMLDialogElement {
  const dialog = h(
    "dialog",
    {
      class: name,
      "aria-labelledby": `${name}-title`,
      onclose: () => {
        dialog.remove();
        onClose();
      },
    },
    h(
      "div",
      { class: "row head" },
      h("h2", { id: `${name}-title` }, title),
      h(
        "button",
        { type: "button", class: "round", "aria-label": t("close"), onclick: () => dialog.close() },
        icon(ICONS.close),
      ),
    ),
    ...children,
  );
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
