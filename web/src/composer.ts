/** @file The message box: text, pictures that wait to be sent, and the buttons beside them. */
import { takePhoto } from "./camera.ts";
import { h, ICONS, icon } from "./dom.ts";
import { ACCEPT, pictureView, takePictures } from "./pictures.ts";
import { t } from "./words.ts";

/** What the composer needs from the page. */
export interface ComposerOptions {
  maxPictureBytes: number;
  onSend(message: Draft): void;
  onStop(): void;
  onNotice(text: string): void;
}

/** A message before it is sent. */
export interface Draft {
  text: string;
  pictures: Blob[];
  /** The turn of the conversation in whose place it comes, with all that follows that turn. */
  instead?: number;
}

/** The message box of a page. */
export interface Composer {
  element: HTMLElement;
  /** Adds pictures, for example dropped ones; refused ones are told through `onNotice`. */
  add(files: Iterable<File>): Promise<void>;
  setBusy(busy: boolean): void;
  hasPictures(): boolean;
  isEmpty(): boolean;
  /** Puts a message into the box, to be changed or sent again. */
  restore(draft: Draft): void;
  /** Sends what is in the box. */
  submit(): void;
  /** Opens the file chooser. */
  choose(): void;
  /** Puts a question into the box. */
  suggest(question: string): void;
  focus(): void;
}

/** Builds the message box. */
export function createComposer(options: ComposerOptions): Composer {
  let pictures: Blob[] = [];
  let instead: number | undefined;
  let busy = false;
  const text = h("textarea", {
    id: "message",
    rows: 1,
    placeholder: t("placeholder"),
    "aria-label": t("message"),
    title: t("messageHint"),
    enterkeyhint: "send",
  });
  const chooser = h("input", { type: "file", accept: ACCEPT, multiple: true, hidden: true });
  const capturer = h("input", { type: "file", accept: "image/*", capture: "environment", hidden: true });
  const tray = h("ul", { class: "tray", hidden: true });
  const send = h(
    "button",
    { type: "submit", class: "round primary", "aria-label": t("send"), title: t("send") },
    icon(ICONS.send),
  );

  const showTray = () => {
    tray.hidden = pictures.length === 0;
    tray.replaceChildren(
      ...pictures.map((picture, index) =>
        h(
          "li",
          {},
          pictureView(picture, t("picture", index + 1)),
          h(
            "button",
            {
              type: "button",
              class: "remove",
              "aria-label": t("removePicture", index + 1),
              onclick: () => remove(index),
            },
            icon(ICONS.close),
          ),
        ),
      ),
    );
  };
  const remove = (index: number) => {
    pictures = pictures.filter((_, place) => place !== index);
    showTray();
    text.focus();
  };
  const add = async (files: Iterable<File>) => {
    const taken = await takePictures(files, options.maxPictureBytes);
    pictures.push(...taken.pictures);
    for (const refusal of taken.refusals) options.onNotice(refusal);
    showTray();
    text.focus();
  };
  const photograph = async () => {
    // Over plain http in a network the page gets no camera, but a phone's own camera app can still hand over a photo.
    if (!navigator.mediaDevices) return capturer.click();
    try {
      const photo = await takePhoto();
      if (photo) await add([new File([photo], "photo.jpg", { type: photo.type })]);
    } catch (error) {
      options.onNotice(t("cameraFailed", error instanceof Error ? error.message : String(error)));
    }
  };
  const submit = (event?: Event) => {
    event?.preventDefault();
    if (busy) return options.onStop();
    const message = text.value.trim();
    if (message === "" && pictures.length === 0) return text.focus();
    const draft: Draft = { text: message, pictures, instead };
    restore({ text: "", pictures: [] });
    options.onSend(draft);
  };
  const restore = (draft: Draft) => {
    text.value = draft.text;
    pictures = [...draft.pictures];
    instead = draft.instead;
    editing.hidden = instead === undefined;
    showTray();
    grow();
  };
  // The box is as high as its text, up to the limit that the style sheet sets.
  const grow = () => {
    text.rows = Math.min(8, Math.max(1, text.value.split("\n").length));
  };

  text.addEventListener("input", grow);
  text.addEventListener("keydown", (event) => {
    // While an input method composes (Chinese, Japanese), Enter chooses a word.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
  });
  for (const input of [chooser, capturer]) {
    input.addEventListener("change", () => {
      void add([...(input.files ?? [])]);
      input.value = "";
    });
  }

  const cancelEditing = () => {
    restore({ text: "", pictures: [] });
    text.focus();
  };
  const editing = h(
    "div",
    { class: "editing", hidden: true },
    h("p", {}, t("editing")),
    h("button", { type: "button", class: "small", onclick: cancelEditing }, t("cancel")),
  );
  const element = h(
    "form",
    { class: "composer", onsubmit: submit },
    editing,
    tray,
    h(
      "div",
      { class: "box" },
      h(
        "button",
        {
          type: "button",
          class: "round",
          "aria-label": t("attach"),
          title: t("attach"),
          onclick: () => chooser.click(),
        },
        icon(ICONS.attach),
      ),
      h(
        "button",
        { type: "button", class: "round", "aria-label": t("camera"), title: t("camera"), onclick: photograph },
        icon(ICONS.camera),
      ),
      text,
      send,
    ),
    chooser,
    capturer,
  );
  return {
    element,
    add,
    setBusy(value) {
      busy = value;
      const name = t(busy ? "stop" : "send");
      send.setAttribute("aria-label", name);
      send.title = name;
      send.replaceChildren(icon(busy ? ICONS.stop : ICONS.send));
    },
    hasPictures: () => pictures.length > 0,
    isEmpty: () => text.value.trim() === "" && pictures.length === 0,
    restore(draft) {
      restore(draft);
      text.focus();
    },
    submit: () => submit(),
    choose: () => chooser.click(),
    suggest(question) {
      text.value = question;
      grow();
      text.focus();
    },
    focus: () => text.focus(),
  };
}
