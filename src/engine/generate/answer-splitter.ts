/** @file Tells an answer's parts apart while it is written: the model's working, its text, and calls of tools. */
import { CALL_MARKS } from "../../processor/core.ts";

/** A piece of a part. A call comes with its name first; its arguments follow as JSON, piece by piece. */
export type AnswerPart =
  | { type: "reasoning"; text: string }
  | { type: "text"; text: string }
  | { type: "call"; index: number; name: string }
  | { type: "arguments"; index: number; text: string };

/** What may be told apart. */
export interface SplitOptions {
  /** Whether `<think>…</think><answer>…</answer>` is split where the answer begins so. Default true. */
  reasoning?: boolean;
  /** Names of the tools that may be called; none for answers whose calls are only text. */
  tools?: readonly string[];
}

/** Around the model's working. */
export const THINK_MARKS = ["<think>", "</think>"] as const;
/** Around what follows the working. */
export const ANSWER_MARKS = ["<answer>", "</answer>"] as const;
const [CALL, CALL_END] = CALL_MARKS;
/** How a call begins, up to its arguments. */
const CALL_HEAD = /^\s*\{\s*"name"\s*:\s*"([^"\\]*)"\s*,\s*"arguments"\s*:\s*(?=\{)/;
/** A head that is longer than this is none. */
const LONGEST_HEAD = 400;

type State = "start" | "reasoning" | "after-reasoning" | "answer" | "text" | "call-head" | "arguments" | "call-end";

/**
 * Splits one answer. Text that could be the beginning of a mark is held back until that is known; what looks like a call
 * and is none is text.
 *
 * @example
 * const splitter = new AnswerSplitter({ tools: ["weather"] });
 * for (const part of [...splitter.push("<think>a</think>b"), ...splitter.end()]) show(part);
 */
export class AnswerSplitter {
  readonly #tools: ReadonlySet<string>;
  #state: State;
  #held = "";
  #calls = 0;
  /** Of the arguments under way: open braces and brackets, and whether a string or an escape is open. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Whether white space before the next text is left out: around calls and behind marks it is only layout. */
  #trims = false;

  constructor({ reasoning = true, tools = [] }: SplitOptions = {}) {
    this.#tools = new Set(tools);
    this.#state = reasoning ? "start" : "text";
  }

  /** Whether what comes next is the model's working. */
  get reasons(): boolean {
    return this.#state === "reasoning";
  }

  /** Whether what comes next is text, as far as is known. */
  get inText(): boolean {
    return this.#state === "start" || this.#state === "answer" || this.#state === "text";
  }

  /** Takes a piece of the answer. */
  push(text: string): AnswerPart[] {
    this.#held += text;
    return this.#read(false);
  }

  /** The rest, when the answer has ended. */
  end(): AnswerPart[] {
    return this.#read(true);
  }

  #read(ended: boolean): AnswerPart[] {
    const parts: AnswerPart[] = [];
    while (this.#step(parts, ended));
    return joined(parts);
  }

  /** One step of reading; false when there is nothing to do before more text comes. */
  #step(parts: AnswerPart[], ended: boolean): boolean {
    switch (this.#state) {
      case "start":
        return this.#opening(THINK_MARKS[0], "reasoning", "text", ended, false);
      case "reasoning":
        return this.#until(THINK_MARKS[1], "after-reasoning", "reasoning", parts, ended);
      case "after-reasoning":
        this.#trims = true;
        return this.#opening(ANSWER_MARKS[0], "answer", "text", ended, true);
      case "answer":
        return this.#until(ANSWER_MARKS[1], "text", "text", parts, ended);
      case "text":
        if (this.#tools.size === 0) return this.#all(parts);
        return this.#until(CALL, "call-head", "text", parts, ended);
      case "call-head":
        return this.#callHead(parts, ended);
      case "arguments":
        return this.#arguments(parts);
      default:
        return this.#callEnd(ended);
    }
  }

  /** Whether the text begins with a mark, after white space. */
  #opening(mark: string, then: State, otherwise: State, ended: boolean, trims: boolean): boolean {
    const rest = this.#held.trimStart();
    if (rest.startsWith(mark)) {
      this.#held = rest.slice(mark.length);
      this.#trims = true;
      this.#state = then;
      return true;
    }
    if (mark.startsWith(rest) && !ended) return false;
    if (trims) this.#held = rest;
    this.#state = otherwise;
    return this.#held !== "";
  }

  /** Gives out what stands before a mark, and goes on behind it. */
  #until(mark: string, then: State, type: "reasoning" | "text", parts: AnswerPart[], ended: boolean): boolean {
    const at = this.#held.indexOf(mark);
    const keep = at >= 0 || ended ? 0 : overlap(this.#held, mark);
    const shown = at >= 0 ? at : this.#held.length - keep;
    // White space before a mark may be layout; it waits until more is known.
    let text = this.#held.slice(0, shown);
    if (this.#trims) text = text.trimStart();
    const layout = text.length - text.trimEnd().length;
    const solid = text.slice(0, text.length - layout);
    if (at >= 0) {
      this.#give(parts, type, solid);
      this.#held = this.#held.slice(at + mark.length);
      this.#state = then;
      this.#trims = true;
      return true;
    }
    this.#give(parts, type, ended ? text : solid);
    this.#held = ended ? "" : text.slice(solid.length) + this.#held.slice(shown);
    return false;
  }

  #all(parts: AnswerPart[]): boolean {
    const text = this.#trims ? this.#held.trimStart() : this.#held;
    this.#give(parts, "text", text);
    this.#held = "";
    return false;
  }

  #give(parts: AnswerPart[], type: "reasoning" | "text", text: string): void {
    if (text === "") return;
    this.#trims = false;
    parts.push({ type, text });
  }

  #callHead(parts: AnswerPart[], ended: boolean): boolean {
    const head = CALL_HEAD.exec(this.#held);
    if (head && this.#tools.has(head[1]!)) {
      parts.push({ type: "call", index: this.#calls, name: head[1]! });
      this.#held = this.#held.slice(head[0].length);
      this.#state = "arguments";
      return true;
    }
    if (!head && !ended && this.#held.length < LONGEST_HEAD) return false;
    // No call that can be made: the client is shown what the model wrote.
    this.#give(parts, "text", `${CALL}${this.#held.slice(0, 1)}`);
    this.#held = this.#held.slice(1);
    this.#state = "text";
    return true;
  }

  #arguments(parts: AnswerPart[]): boolean {
    const text = this.#held;
    let at = 0;
    for (; at < text.length; at += 1) {
      const sign = text[at]!;
      if (this.#escaped) this.#escaped = false;
      else if (this.#inString) {
        if (sign === "\\") this.#escaped = true;
        else if (sign === '"') this.#inString = false;
      } else if (sign === '"') this.#inString = true;
      else if (sign === "{" || sign === "[") this.#depth += 1;
      else if (sign === "}" || sign === "]") {
        this.#depth -= 1;
        if (this.#depth === 0) break;
      }
    }
    const done = at < text.length;
    const piece = text.slice(0, done ? at + 1 : at);
    if (piece !== "") parts.push({ type: "arguments", index: this.#calls, text: piece });
    this.#held = text.slice(piece.length);
    if (!done) return false;
    this.#calls += 1;
    this.#state = "call-end";
    return true;
  }

  /** Leaves out what closes a call. */
  #callEnd(ended: boolean): boolean {
    const at = this.#held.indexOf(CALL_END);
    if (at < 0) {
      if (ended) this.#held = "";
      return false;
    }
    this.#held = this.#held.slice(at + CALL_END.length);
    this.#trims = true;
    this.#state = "text";
    return true;
  }
}

/** How many of a text's last characters could be the beginning of a mark. */
function overlap(text: string, mark: string): number {
  for (let length = Math.min(text.length, mark.length - 1); length > 0; length -= 1)
    if (mark.startsWith(text.slice(-length))) return length;
  return 0;
}

/** Neighbouring pieces of one part as one. */
function joined(parts: AnswerPart[]): AnswerPart[] {
  const all: AnswerPart[] = [];
  for (const part of parts) {
    const last = all.at(-1);
    if (last && "text" in last && "text" in part && last.type === part.type) last.text += part.text;
    else all.push({ ...part });
  }
  return all;
}
