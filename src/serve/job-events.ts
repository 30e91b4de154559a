/** @file The events of an answer as the doors see them: working, text and calls of tools told apart. */
import { randomUUID } from "node:crypto";
import { type AnswerPart, AnswerSplitter, type FinishReason, type SplitOptions } from "../engine/index.ts";
import type { AnswerToken, ChatResult } from "./chat-model.ts";
import type { RawEvent } from "./generation.ts";

/** A complete call; clients name it by its id when they send its result. */
export interface ApiCall {
  id: string;
  name: string;
  /** JSON. */
  arguments: string;
}

/** What is known when an answer is complete, its parts told apart. */
export interface SplitResult extends Omit<ChatResult, "finishReason"> {
  finishReason: FinishReason | "tool_calls";
  reasoning: string;
  calls: ApiCall[];
  /** Tokens of the working. */
  reasoningTokens: number;
}

/** A step of an answer. */
export type JobEvent = { choice: number } & (
  | { type: "text"; text: string; id?: number; token?: AnswerToken }
  | { type: "reasoning"; text: string; id?: number; token?: AnswerToken }
  | { type: "call"; index: number; call: ApiCall }
  | { type: "arguments"; index: number; text: string }
  | { type: "end"; result: SplitResult }
);

/**
 * Splits the answers of a job.
 *
 * @example for await (const event of splitEvents(runJob(context, job, request), { tools: ["weather"] })) send(event);
 */
export async function* splitEvents(source: AsyncIterable<RawEvent>, options: SplitOptions): AsyncGenerator<JobEvent> {
  let answer = new SplitAnswer(options);
  for await (const event of source) {
    const { choice } = event;
    if (event.type === "end") {
      for (const part of answer.end()) yield { choice, ...part };
      yield { choice, type: "end", result: answer.result(event.result) };
      answer = new SplitAnswer(options);
      continue;
    }
    const { id, token } = event;
    const wasInText = answer.inText;
    const [first, ...rest] = answer.push(event.text);
    // A token whose text is held back is told all the same, since clients may ask for ids and logprobs.
    if (!first) yield { choice, type: wasInText && answer.inText ? "text" : "reasoning", text: "", id, token };
    else if (first.type === "text" || first.type === "reasoning") yield { choice, ...first, id, token };
    else yield { choice, ...first };
    for (const part of rest) yield { choice, ...part };
  }
}

/** One answer under way. */
class SplitAnswer {
  readonly #splitter: AnswerSplitter;
  readonly #calls: ApiCall[] = [];
  #text = "";
  #reasoning = "";
  #reasoningTokens = 0;

  constructor(options: SplitOptions) {
    this.#splitter = new AnswerSplitter(options);
  }

  get inText(): boolean {
    return this.#splitter.inText;
  }

  push(text: string) {
    if (this.#splitter.reasons) this.#reasoningTokens += 1;
    return this.#splitter.push(text).map((part) => this.#take(part));
  }

  end() {
    return this.#splitter.end().map((part) => this.#take(part));
  }

  result({ finishReason, ...result }: ChatResult): SplitResult {
    const called = this.#calls.length > 0 && finishReason === "stop";
    const isPlain = this.#reasoning === "" && this.#calls.length === 0;
    return {
      ...result,
      text: isPlain ? result.text : this.#text,
      reasoning: this.#reasoning,
      calls: this.#calls,
      reasoningTokens: this.#reasoningTokens,
      finishReason: called ? "tool_calls" : finishReason,
    };
  }

  #take(part: AnswerPart) {
    if (part.type === "text") this.#text += part.text;
    else if (part.type === "reasoning") this.#reasoning += part.text;
    else if (part.type === "arguments") this.#calls[part.index]!.arguments += part.text;
    else {
      const call = { id: `call_${randomUUID().replaceAll("-", "")}`, name: part.name, arguments: "" };
      this.#calls.push(call);
      return { type: "call" as const, index: part.index, call };
    }
    return part;
  }
}
