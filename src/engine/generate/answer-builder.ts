/** @file An answer under construction: tokens in, text out, and the reasons to stop. */
import type { TokenStream } from "../../processor/core.ts";
import type { Choice, TokenLogprob } from "../sampling/index.ts";
import type { FinishReason, TokenPart } from "./generate-options.ts";
import { type Matched, StopMatcher } from "./stop-matcher.ts";

export interface AnswerLimits {
  endTokens: ReadonlySet<number>;
  maxNewTokens: number;
  stop: readonly string[];
}

/** Collects one answer. `accept` is called with each token in turn, `finish` once at the end. */
export class AnswerBuilder {
  readonly tokens: number[] = [];
  readonly logprobs: number[] = [];
  readonly topLogprobs: TokenLogprob[][] = [];
  text = "";
  finishReason: FinishReason | undefined;
  /** The stop string that ended the answer. */
  stopString: string | undefined;
  readonly #stream: TokenStream;
  readonly #limits: AnswerLimits;
  readonly #stops: StopMatcher;
  readonly #emit: (part: TokenPart) => void;

  /** @param emit receives every token with the text that it completes */
  constructor(stream: TokenStream, limits: AnswerLimits, emit: (part: TokenPart) => void) {
    this.#stream = stream;
    this.#limits = limits;
    this.#stops = new StopMatcher(limits.stop);
    this.#emit = emit;
  }

  /** Takes a token; false when the answer ends with it. */
  accept({ token, logprob, topLogprobs }: Choice): boolean {
    this.tokens.push(token);
    if (logprob !== undefined) this.logprobs.push(logprob);
    if (topLogprobs) this.topLogprobs.push(topLogprobs);
    const ended = this.#limits.endTokens.has(token);
    // The end token's own text is never shown.
    let { text, stopped } = ended ? { text: "", stopped: true } : this.#match(this.#stream.push(token));
    if (ended) text = this.#rest();
    if (stopped) this.finishReason = "stop";
    else if (this.tokens.length >= this.#limits.maxNewTokens) {
      this.finishReason = "length";
      text += this.#rest();
    }
    this.text += text;
    this.#emit({ text, token, logprob, topLogprobs });
    return this.finishReason === undefined;
  }

  /** Ends an answer whose request was cancelled; what was held back is shown. */
  abort(): void {
    if (this.finishReason !== undefined) return;
    this.finishReason = "abort";
    const text = this.#rest();
    this.text += text;
    if (text !== "") this.#emit({ text });
  }

  /** Incomplete characters and beginnings of stop strings that no more text will complete. */
  #rest(): string {
    const { text, stopped } = this.#match(this.#stream.end());
    if (stopped) this.finishReason = "stop";
    return stopped ? text : text + this.#stops.end();
  }

  #match(piece: string): Matched {
    const matched = this.#stops.push(piece);
    this.stopString ??= matched.stop;
    return matched;
  }
}
