/** @file A conversation as a file: Markdown to read, JSON to work with. */
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { dataUrl } from "./request.ts";
import { titleOf } from "./titles.ts";
import type { Conversation } from "./types.ts";
import { t } from "./words.ts";

/** Offers the conversation in both forms. */
export function openExport(conversation: Conversation, model: string): void {
  const offer = (label: string, hint: string, save: () => Promise<void>) =>
    h(
      "button",
      { type: "button", class: "offer", onclick: () => void save().then(() => dialog.close()) },
      h("strong", {}, label),
      h("span", {}, hint),
    );
  const dialog = openDialog("export", t("export"), [
    offer("Markdown", t("exportMarkdown"), async () =>
      save(await toMarkdown(conversation), "text/markdown", `${fileName(conversation)}.md`),
    ),
    offer("JSON", t("exportJson"), async () =>
      save(await toJson(conversation, model), "application/json", `${fileName(conversation)}.json`),
    ),
  ]);
}

/** Questions and answers under headings, pictures included. */
export async function toMarkdown(conversation: Conversation): Promise<string> {
  const parts = [`# ${titleOf(conversation)}`];
  for (const turn of conversation.turns) {
    parts.push(`## ${t(turn.role === "user" ? "you" : "model")}`);
    if (turn.role === "user")
      for (const [index, picture] of turn.pictures.entries())
        parts.push(`![${t("picture", index + 1)}](${await dataUrl(picture)})`);
    else if (turn.reasoning) parts.push(turn.reasoning.trim().replace(/^/gm, "> "));
    if (turn.text) parts.push(turn.text);
  }
  return `${parts.join("\n\n")}\n`;
}

/** Messages as the API takes them, and with answers what was measured. */
export async function toJson(conversation: Conversation, model: string): Promise<string> {
  const messages = await Promise.all(
    conversation.turns.map(async (turn) =>
      turn.role === "assistant"
        ? {
            role: turn.role,
            content: turn.text,
            ...(turn.reasoning && { reasoning_content: turn.reasoning }),
            ...(turn.ending && { ending: turn.ending }),
            ...(turn.stats && { stats: turn.stats }),
          }
        : {
            role: turn.role,
            content: [
              ...(await Promise.all(
                turn.pictures.map(async (picture) => ({
                  type: "image_url",
                  image_url: { url: await dataUrl(picture) },
                })),
              )),
              { type: "text", text: turn.text },
            ],
          },
    ),
  );
  const updated = new Date(conversation.updated).toISOString();
  return `${JSON.stringify({ title: titleOf(conversation), model, updated, messages }, null, 2)}\n`;
}

/** The title without what file systems refuse. */
const fileName = (conversation: Conversation): string =>
  titleOf(conversation)
    .replace(/[\\/:*?"<>|\p{Cc}…]+/gu, " ")
    .trim()
    .slice(0, 60) || "chat";

function save(text: string, type: string, name: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
