/** @file Shows an answer while it is written: the model's working dimmed on a terminal, and left out of files and pipes. */
import { styleText } from "node:util";
import { forTerminal } from "./for-terminal.ts";

/** Where an answer goes. */
export interface AnswerWriter {
  write(text: string, type: "text" | "reasoning"): void;
  /** Ends the line where something was written. */
  end(): void;
}

/**
 * @param isTerminal whether somebody watches: only they are shown the working
 * @example
 * const writer = answerWriter(process.stdout, process.stdout.isTTY);
 * await conversation.ask(question, writer.write, signal);
 * writer.end();
 */
export function answerWriter(output: NodeJS.WritableStream, isTerminal: boolean): AnswerWriter {
  let last: "text" | "reasoning" | undefined;
  return {
    write(text, type) {
      if (!isTerminal && type === "reasoning") return;
      if (last === "reasoning" && type === "text") output.write("\n");
      last = type;
      if (!isTerminal) output.write(text);
      else output.write(type === "text" ? forTerminal(text) : styleText("dim", forTerminal(text)));
    },
    end() {
      if (last) output.write("\n");
    },
  };
}
