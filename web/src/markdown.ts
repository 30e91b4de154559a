/** @file Answers as Markdown, made harmless: what a model writes is text from a stranger. */
import DOMPurify from "dompurify";
import MarkdownIt from "markdown-it";
import cjkFriendly from "markdown-it-cjk-friendly";

/** Text structure only: no pictures (they would tell other servers about the reader), forms, styles or scripts. */
const TAGS = "p br strong em s code pre blockquote ul ol li h2 h3 h4 h5 h6 hr table thead tbody tr th td a".split(" ");

/** HTML in an answer is shown as the text that it is. Beside Chinese letters `**` needs no space around (CommonMark's own rule does). */
const markdown = new MarkdownIt({ html: false, breaks: true, linkify: true }).use(cjkFriendly);
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
// Of a picture only its description.
markdown.renderer.rules.image = (tokens, index) => markdown.utils.escapeHtml(tokens[index]!.content);
markdown.core.ruler.push("for-this-page", ({ tokens }) => {
  // Headings of an answer stand below the page's own, which is of the first level, and skip no level.
  let [last, level] = [1, 1];
  for (const token of tokens) {
    const written = token.type === "heading_open" ? Number(token.tag.slice(1)) : undefined;
    if (written !== undefined) {
      level = Math.min(6, written + 1, last + 1);
      last = level;
    }
    if (token.type.startsWith("heading_")) token.tag = `h${level}`;
    // The page's policy allows no styles inside of elements.
    const align = /^text-align:(\w+)$/.exec(String(token.attrGet("style")))?.[1];
    if (align) token.attrs = [["align", align]];
  }
});

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  }
  // What may be wider than the screen is scrolled, by keyboard too.
  if (node.tagName === "PRE" || node.tagName === "TABLE") node.setAttribute("tabindex", "0");
});

/**
 * A fragment of the rendered Markdown.
 *
 * @example element.replaceChildren(renderMarkdown("**Hello**"));
 */
export function renderMarkdown(text: string): DocumentFragment {
  return DOMPurify.sanitize(markdown.render(text), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["href", "title", "start", "align"],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    RETURN_DOM_FRAGMENT: true,
  });
}
