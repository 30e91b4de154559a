/** @file The interactive chat: reads lines, answers them, and lets Ctrl-C stop an answer without ending the conversation. */
import { createInterface } from "node:readline";
import type { ImageInput } from "../../processor/index.ts";
import { describeError, Interrupted } from "../fail.ts";
import { answerWriter } from "../terminal/answer-writer.ts";
import { CHAT_HELP, parseChatLine } from "./commands.ts";
import type { Conversation } from "./conversation.ts";
import { statsLines } from "./stats-lines.ts";

/** Where an interactive chat reads and writes. */
export interface Terminal {
  input: NodeJS.ReadableStream & { isTTY?: boolean };
  output: NodeJS.WritableStream & { isTTY?: boolean };
  /** Notes that are not answers. */
  notes: NodeJS.WritableStream;
}

/** What a chat needs beside the conversation. */
export interface ChatHooks {
  /** Loads a picture, so that a wrong path is an error at once. */
  loadPicture(path: string): Promise<ImageInput>;
  debug: boolean;
}

const PROMPT = "> ";

/**
 * Runs until the input ends, /exit, or Ctrl-C twice. Works on a pipe too: every line is a question.
 *
 * @param onInterrupt adds a listener for Ctrl-C and returns what removes it
 */
export async function chatInteractively(
  conversation: Conversation,
  { input, output, notes }: Terminal,
  { loadPicture, debug }: ChatHooks,
  onInterrupt: (listener: () => void) => () => void,
): Promise<void> {
  const isTerminal = Boolean(input.isTTY && output.isTTY);
  const lines = createInterface({
    input,
    output: isTerminal ? output : undefined,
    prompt: PROMPT,
    terminal: isTerminal,
  });
  let answering: AbortController | undefined;
  let warned = false;
  const interrupt = () => {
    if (answering && !answering.signal.aborted) return answering.abort(new Interrupted());
    if (warned || answering) return lines.close();
    warned = true;
    notes.write("\n(Ctrl-C again or Ctrl-D to leave)\n");
    if (isTerminal) lines.prompt();
  };
  // In a terminal readline takes the keyboard and reports Ctrl-C itself; a signal may come all the same.
  lines.on("SIGINT", interrupt);
  const removeListener = onInterrupt(interrupt);

  const note = (text: string) => notes.write(`${text}\n`);
  const answer = async (question: string) => {
    answering = new AbortController();
    const writer = answerWriter(output, isTerminal);
    try {
      const { finishReason } = await conversation.ask(question, writer.write, answering.signal);
      writer.end();
      if (finishReason === "length") note("(the answer reached --max-new-tokens)");
      if (finishReason === "abort") note("(stopped)");
    } catch (error) {
      writer.end();
      notes.write(describeError(error, { debug, json: false }));
    } finally {
      answering = undefined;
    }
  };
  const showPicture = async (path: string) => {
    try {
      conversation.show(await loadPicture(path));
      note("(shown with the next question)");
    } catch (error) {
      notes.write(describeError(error, { debug, json: false }));
    }
  };

  try {
    if (isTerminal) lines.prompt();
    for await (const line of lines) {
      warned = false;
      const wish = parseChatLine(line);
      if (wish.kind === "leave") break;
      if (wish.kind === "ask") await answer(wish.text);
      else if (wish.kind === "image") await showPicture(wish.path);
      else if (wish.kind === "stats") note(statsLines(conversation).join("\n"));
      else if (wish.kind === "help") note(CHAT_HELP.join("\n"));
      else if (wish.kind === "wrong") note(wish.message);
      else if (wish.kind === "reset") {
        conversation.reset();
        note("(forgotten; the picture stays)");
      }
      if (isTerminal) lines.prompt();
    }
  } finally {
    removeListener();
    lines.close();
  }
}
