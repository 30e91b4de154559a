/** @file Shows one turn of a conversation, and an answer while it is written. */
import { boxView } from "./box-view.ts";
import { readPlaces } from "./boxes.ts";
import { CODE_LANGUAGES, type CodeLanguage } from "./code.ts";
import { h, ICONS, icon } from "./dom.ts";
import { renderMarkdown } from "./markdown.ts";
import { pictureView } from "./pictures.ts";
import type { ModelTurn, Stats, UserTurn } from "./types.ts";
import { t } from "./words.ts";

/** What can be done with an answer. */
export interface TurnActions {
  onCopy(): void;
  onCode(language: CodeLanguage): void;
  onResend(): void;
  /** Absent where the model does not tell where it looked. */
  onLook?(): void;
}

/** A button with its name beside the icon. */
const button = (name: string, path: string, action: () => void) =>
  h("button", { type: "button", class: "small", onclick: action }, icon(path), h("span", {}, name));

/** A turn of the user, which can be changed and asked anew. */
export function userTurnView(turn: UserTurn, onEdit: () => void): HTMLElement {
  const pictures = turn.pictures.map((picture, index) => pictureView(picture, t("picture", index + 1)));
  return h(
    "article",
    { class: "turn user", "aria-label": t("you") },
    h(
      "div",
      { class: "bubble" },
      pictures.length > 0 ? h("div", { class: "pictures" }, ...pictures) : undefined,
      turn.text ? h("p", {}, turn.text) : undefined,
    ),
    h("div", { class: "actions" }, button(t("edit"), ICONS.edit, onEdit)),
  );
}

/** An answer's element; `update` shows what has been added to its turn. */
export interface ModelTurnView {
  element: HTMLElement;
  update(): void;
}

/**
 * A turn of the model.
 *
 * @param picture what places in the answer are places of
 */
export function modelTurnView(turn: ModelTurn, picture: Blob | undefined, actions: TurnActions): ModelTurnView {
  const body = h("div", { class: "answer" });
  const stats = h("p", { class: "stats" });
  const bar = h("div", { class: "actions" });
  const element = h("article", { class: "turn model", "aria-label": t("model") }, body, stats, bar);
  const codes = h(
    "select",
    {
      "aria-label": t("copyAs"),
      title: t("copyAs"),
      onchange() {
        actions.onCode(codes.value as CodeLanguage);
        codes.value = "";
      },
    },
    h("option", { value: "", selected: true }, t("copyAs")),
    ...Object.entries(CODE_LANGUAGES).map(([value, name]) => h("option", { value }, name)),
  );
  const working = h("div", {});
  const workingName = h("summary", {});
  // Made once, so that it stays open for whoever opened it while the answer is written.
  const folded = h("details", { class: "working" }, workingName, working);

  const showAnswer = (writing: boolean) => {
    if (!turn.text)
      return body.replaceChildren(writing && !turn.reasoning ? h("span", { class: "waiting" }, t("waiting")) : "");
    const { text, places } = picture ? readPlaces(turn.text) : { text: turn.text, places: [] };
    body.replaceChildren(renderMarkdown(shownText(text)));
    if (picture && places.length > 0) body.append(boxView(picture, places));
  };
  const update = () => {
    const writing = turn.ending === undefined;
    element.setAttribute("aria-busy", String(writing));
    if (turn.reasoning) {
      workingName.textContent = t(writing && !turn.text ? "working" : "worked");
      working.replaceChildren(renderMarkdown(turn.reasoning));
      if (!folded.isConnected) body.before(folded);
    }
    showAnswer(writing);
    if (turn.ending === "failed") body.append(h("p", { class: "error", role: "alert" }, turn.error ?? ""));
    stats.textContent = [statsText(turn.stats), endingText(turn)].filter(Boolean).join(" · ");
    if (writing || bar.childElementCount > 0) return;
    bar.append(button(t("copy"), ICONS.copy, actions.onCopy), button(t("resend"), ICONS.again, actions.onResend));
    if (actions.onLook && turn.tokens.length > 0) bar.append(button(t("look"), ICONS.eye, actions.onLook));
    bar.append(codes);
  };
  update();
  return { element, update };
}

/** One line of measurements. */
function statsText(stats: Stats | undefined): string {
  if (!stats) return "";
  const { firstTokenMs, tokensPerSecond, tokens, promptTokens, cachedTokens } = stats;
  const parts = [
    t("firstToken", firstTokenMs < 1000 ? `${Math.round(firstTokenMs)} ms` : `${(firstTokenMs / 1000).toFixed(2)} s`),
  ];
  if (tokensPerSecond > 0) parts.push(t("speed", tokensPerSecond.toFixed(1)));
  parts.push(t("tokens", tokens));
  if (promptTokens !== undefined && cachedTokens) parts.push(t("cached", cachedTokens, promptTokens));
  return parts.join(" · ");
}

/** An answer that is JSON is shown as such, indented. */
function shownText(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return `\`\`\`json\n${JSON.stringify(JSON.parse(text), null, 2)}\n\`\`\``;
  } catch {
    return text;
  }
}

function endingText({ ending }: ModelTurn): string {
  if (ending === "length") return t("cut");
  return ending === "cancelled" || ending === "abort" ? t("stopped") : "";
}
