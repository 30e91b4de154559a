/** @file Answers as Markdown, made harmless: what a model writes is text from a stranger. */
import DOMPurify from "dompurify";
import { Marked } from "marked";

/** Text structure only: no pictures (they would tell other servers about the reader), forms, styles or scripts. */
const TAGS =
  "p br strong em del code pre blockquote ul ol li h1 h2 h3 h4 h5 h6 hr table thead tbody tr th td a sup sub".split(
    " ",
  );

const asText = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** HTML in an answer is shown as the text that it is, and of a picture only its description. */
const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: { html: ({ text }) => asText(text), image: ({ text }) => asText(text) },
});

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  }
});

/**
 * A fragment of the rendered Markdown.
 *
 * @example element.replaceChildren(renderMarkdown("**Hello**"));
 */
export function renderMarkdown(text: string): DocumentFragment {
  const html = marked.parse(text, { async: false });
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["href", "title", "start", "align"],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    RETURN_DOM_FRAGMENT: true,
  });
}
