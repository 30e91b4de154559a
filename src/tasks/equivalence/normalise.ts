/** @file Brings a mathematical answer into a plain form, as Math-Verify does before it compares: the final answer alone, without units, dollar signs or decoration. */

/** A longer text is no expression; the end of a reply is where its answer stands. */
const MAX_LENGTH = 500;

const UNITS =
  "degrees?|deg|percent|cm|mm|km|m|kg|mg|g|lb|oz|ft|feet|foot|in|inch(?:es)?|yd|yards?|mi|miles?|mph|km/h|m/s|s|sec|seconds?|min|minutes?|h|hr|hours?|days?|weeks?|months?|years?|dollars?|cents?|euros?|units?|square|cubic|litres?|liters?|l|ml";
const TRAILING_UNIT = new RegExp(
  `(?<=[\\d})])\\s*(?:\\\\?\\s*(?:${UNITS})\\b\\.?\\s*(?:\\^?\\{?[23]\\}?)?\\s*)+$`,
  "i",
);

/** The content of the last box; the text itself if there is none. */
function boxed(text: string): string {
  const start = Math.max(text.lastIndexOf("\\boxed{"), text.lastIndexOf("\\fbox{"));
  if (start < 0) return text;
  const from = text.indexOf("{", start) + 1;
  let open = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "{") open++;
    else if (text[at] === "}" && --open === 0) return text.slice(from, at);
  }
  return text.slice(from);
}

/** What follows the last "answer is" or "answer:", up to the end of its line. */
function announced(text: string): string {
  const at = Math.max(text.toLowerCase().lastIndexOf("answer is"), text.toLowerCase().lastIndexOf("answer:"));
  if (at < 0) return text;
  const tail = text.slice(at).replace(/^answer(?: is|:)\s*:?/i, "");
  return (tail.split("\n").find((line) => line.trim() !== "") ?? "").trim().replace(/^\*+|\*+$/g, "");
}

/**
 * @returns the answer in plain form, or null if the text is too long to be one
 * @example normaliseMath("The answer is \\boxed{\\dfrac12\\text{ cm}}.") // "\\frac{1}{2}"
 */
export function normaliseMath(reply: string): string | null {
  let text = announced(boxed(reply.slice(-20_000))).trim();
  if (text.length > MAX_LENGTH) return null;
  text = text
    .replace(/^\$+|\$+$|^\\\(|\\\)$|^\\\[|\\\]$/g, "")
    .replace(/\\\$|\$|£|€|¥/g, "")
    .replace(/[−–]/g, "-")
    .replace(/×/g, "\\times ")
    .replace(/÷/g, "/")
    .replace(/π/g, "\\pi ")
    .replace(/√\s*(\d+)/g, "\\sqrt{$1}")
    .replace(/∞/g, "\\infty ")
    .replace(/\\[!,;: ]|\\quad|\\qquad|~|&/g, " ")
    .replace(/\\(?:left|right|displaystyle|limits|bigl?|bigr|Bigl?|Bigr)(?![a-zA-Z])/g, "")
    .replace(/\\[dtc]frac/g, "\\frac")
    .replace(/\\(?:mathrm|textbf|textit|mathbf|text|mbox)\s*\{([^{}]*)\}/g, (_, inside: string) => {
      // A text beside a number is a unit or a remark; a text alone is the answer.
      return /^[\s\w/^.,]*[a-zA-Z]/.test(inside) && inside.length < text.length / 1.2 ? " " : inside;
    })
    .replace(/\\frac\s*(\d)\s*(\d)/g, "\\frac{$1}{$2}")
    .replace(/\\frac\s*(\d)\s*\{/g, "\\frac{$1}{")
    .replace(/\\frac\s*(\{[^{}]*\})\s*(\d)/g, "\\frac$1{$2}")
    .replace(/\\sqrt\s*(\d)/g, "\\sqrt{$1}")
    .replace(/(\d),(?=\d{3}(?!\d))/g, "$1")
    .replace(/\\?%/g, "\\%")
    .replace(/^[a-zA-Z]\s*=\s*/, "")
    .trim()
    .replace(/[.,;]+$/, "")
    .trim();
  // Degrees are a unit, but not inside a trigonometric function.
  if (!/\\(?:sin|cos|tan|cot)/.test(text)) text = text.replace(/\^\s*(?:\\circ|\{\\circ\}|\\degree)|°/g, "").trim();
  return text.replace(TRAILING_UNIT, "").trim();
}
