/** @file What an empty conversation shows: what can be done here, what the model reads, and ways to begin. */
import type { Composer } from "./composer.ts";
import { h, ICONS, icon } from "./dom.ts";
import { examplePicture } from "./example.ts";
import type { About } from "./types.ts";
import { type Language, t } from "./words.ts";

/**
 * The view. Suggestions are the model's own where its folder has some; they are about the example picture, which comes with
 * them where no picture waits to be sent.
 *
 * @param onFault told when the example picture cannot be had
 */
export function introView(
  about: About,
  language: Language,
  composer: Composer,
  onFault: (error: unknown) => void,
): HTMLElement {
  const own = about.suggestions?.[language] ?? about.suggestions?.en;
  const questions = own ?? [t("example1"), t("example2"), t("example3")];
  const reads = about.reads?.[language] ?? about.reads?.en;
  const suggest = async (question: string) => {
    try {
      if (!composer.hasPictures()) await composer.add([await examplePicture()]);
      composer.suggest(question);
    } catch (error) {
      onFault(error);
    }
  };
  const choice = (name: string, path: string, action: () => void) =>
    h("button", { type: "button", class: "choose", onclick: action }, icon(path), name);
  return h(
    "div",
    { class: "intro" },
    h("h2", { class: "greeting" }, t("title")),
    h("p", {}, t("intro")),
    reads ? h("p", { class: "reads" }, reads) : undefined,
    h(
      "div",
      { class: "begin" },
      choice(t("choose"), ICONS.attach, () => composer.choose()),
      choice(t("tryExample"), ICONS.eye, () => void suggest(own?.[0] ?? t("exampleQuestion"))),
    ),
    h(
      "div",
      { class: "examples", role: "group", "aria-label": t("examples") },
      ...questions.map((question) =>
        h("button", { type: "button", class: "chip", onclick: () => void suggest(question) }, question),
      ),
    ),
  );
}
