/** @file The lines of an interactive chat that are commands, not questions. */

/** What a line asks for. */
export type ChatLine =
  | { kind: "ask"; text: string }
  | { kind: "image"; path: string }
  | { kind: "reset" | "stats" | "help" | "leave" | "nothing" }
  | { kind: "wrong"; message: string };

/** Shown by /help. */
export const CHAT_HELP = [
  "/image PATH  show another picture with the next question (a path or a URL)",
  "/reset       begin again about the same picture",
  "/stats       tokens and times of the last answer and of the conversation",
  "/help        this list",
  "/exit        leave (also Ctrl-D)",
  "//text       a question that begins with a slash",
  "Ctrl-C stops an answer; twice, or at the prompt twice, leaves.",
];

/**
 * Reads one line.
 *
 * @example parseChatLine("/image board.png") // { kind: "image", path: "board.png" }
 */
export function parseChatLine(line: string): ChatLine {
  const text = line.trim();
  if (text === "") return { kind: "nothing" };
  if (text.startsWith("//")) return { kind: "ask", text: text.slice(1) };
  if (!text.startsWith("/")) return { kind: "ask", text };
  const space = text.search(/\s/);
  const command = space < 0 ? text : text.slice(0, space);
  const rest = space < 0 ? "" : text.slice(space).trim();
  switch (command) {
    case "/image":
      return rest ? { kind: "image", path: unquote(rest) } : { kind: "wrong", message: "/image needs a path or a URL" };
    case "/reset":
      return { kind: "reset" };
    case "/stats":
      return { kind: "stats" };
    case "/help":
    case "/?":
      return { kind: "help" };
    case "/exit":
    case "/quit":
      return { kind: "leave" };
    default:
      return { kind: "wrong", message: `there is no command ${command}; /help lists them` };
  }
}

/** Terminals quote paths that are dropped on them. */
function unquote(path: string): string {
  return /^(["']).*\1$/.test(path) ? path.slice(1, -1) : path;
}
