/** @file An answer's parts as the AI SDK's: text, reasoning and calls of tools, whole and as a stream. */
import type { LanguageModelV3Content, LanguageModelV3StreamPart } from "@ai-sdk/provider";
import { type AnswerPart, AnswerSplitter, type SplitOptions } from "../engine/index.ts";

/** What a piece of the answer adds: parts of the stream, and of the content where a part is complete. */
export interface Piece {
  stream: LanguageModelV3StreamPart[];
  content: LanguageModelV3Content[];
}

/** The part that is being written. */
interface Open {
  type: "text" | "reasoning" | "call";
  id: string;
  text: string;
  /** Name of the tool of a call. */
  name: string;
}

/** Turns an answer's text into parts while it comes. */
export class PartCollector {
  readonly #splitter: AnswerSplitter;
  #open: Open | undefined;
  #count = 0;
  #called = false;

  constructor(options: SplitOptions) {
    this.#splitter = new AnswerSplitter(options);
  }

  /** Whether a tool has been called. */
  get called(): boolean {
    return this.#called;
  }

  push(text: string): Piece[] {
    return this.#splitter.push(text).map((part) => this.#take(part));
  }

  end(): Piece[] {
    return [...this.#splitter.end().map((part) => this.#take(part)), this.#close()];
  }

  #take(part: AnswerPart): Piece {
    if (part.type === "call") {
      this.#called = true;
      const closed = this.#close();
      const id = crypto.randomUUID();
      this.#open = { type: "call", id, text: "", name: part.name };
      return { ...closed, stream: [...closed.stream, { type: "tool-input-start", id, toolName: part.name }] };
    }
    if (part.type === "arguments") {
      const { id } = this.#add(part.text);
      return { stream: [{ type: "tool-input-delta", id, delta: part.text }], content: [] };
    }
    const { type } = part;
    const before = this.#open?.type === type ? { stream: [], content: [] } : this.#begin(type);
    const { id } = this.#add(part.text);
    return { ...before, stream: [...before.stream, { type: `${type}-delta`, id, delta: part.text }] };
  }

  #begin(type: "text" | "reasoning"): Piece {
    const closed = this.#close();
    const id = String(this.#count++);
    this.#open = { type, id, text: "", name: "" };
    return { ...closed, stream: [...closed.stream, { type: `${type}-start`, id }] };
  }

  #add(text: string): Open {
    const open = this.#open!;
    open.text += text;
    return open;
  }

  #close(): Piece {
    const open = this.#open;
    this.#open = undefined;
    if (!open) return { stream: [], content: [] };
    const { type, id, text, name } = open;
    if (type !== "call") return { stream: [{ type: `${type}-end`, id }], content: [{ type, text }] };
    const call = { type: "tool-call" as const, toolCallId: id, toolName: name, input: text };
    return { stream: [{ type: "tool-input-end", id }, call], content: [call] };
  }
}
