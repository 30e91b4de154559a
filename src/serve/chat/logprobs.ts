/** @file Logprobs in OpenAI's chat shape. */
import type { TokenLogprob } from "../../engine/index.ts";
import type { AnswerToken, ChatModel } from "../chat-model.ts";

/** One token with its alternatives, as in `choices[].logprobs.content[]`. */
export interface ApiLogprob {
  token: string;
  logprob: number;
  bytes: number[];
  top_logprobs?: ApiLogprob[];
}

/** OpenAI's stand-in for minus infinity, which JSON cannot hold. */
const LEAST_LOGPROB = -9999;

/**
 * A token's logprob with text and bytes (a token may be a part of a character; then only its bytes are exact).
 *
 * @example const entry = toLogprob(model.tokenizer, { token: 42, logprob: -0.1 });
 */
export function toLogprob(tokenizer: ChatModel["tokenizer"], token: AnswerToken): ApiLogprob {
  return {
    ...scored(tokenizer, token),
    top_logprobs: (token.topLogprobs ?? []).map((alternative) => scored(tokenizer, alternative)),
  };
}

function scored(tokenizer: ChatModel["tokenizer"], { token, logprob }: TokenLogprob): ApiLogprob {
  const bytes = tokenizer.tokenBytes(token);
  return { token: Buffer.from(bytes).toString("utf8"), logprob: Math.max(LEAST_LOGPROB, logprob), bytes: [...bytes] };
}

/** The scores of an answer's tokens, given out with the text that shows them: what is never shown has none. */
export class ShownLogprobs {
  readonly #tokenizer: ChatModel["tokenizer"];
  #waiting: ApiLogprob[] = [];
  /** Bytes of the shown text that no score given out yet stands for. */
  #shown = 0;

  constructor(tokenizer: ChatModel["tokenizer"]) {
    this.#tokenizer = tokenizer;
  }

  /** Takes a step of the answer; returns the scores of tokens whose text has been shown completely. */
  push(text: string, token: AnswerToken | undefined): ApiLogprob[] {
    if (token) this.#waiting.push(toLogprob(this.#tokenizer, token));
    this.#shown += Buffer.byteLength(text);
    let ready = 0;
    while (ready < this.#waiting.length && this.#waiting[ready]!.bytes.length <= this.#shown) {
      this.#shown -= this.#waiting[ready]!.bytes.length;
      ready += 1;
    }
    const scores = this.#waiting.splice(0, ready);
    // Text is never ahead of its tokens; a byte that is not UTF-8 only looks so, as it is shown as U+FFFD.
    if (this.#waiting.length === 0) this.#shown = 0;
    return scores;
  }

  /** Forgets tokens whose text belongs to something else than the shown text: working, or calls. */
  drop(): void {
    this.#waiting = [];
    this.#shown = 0;
  }

  /**
   * The scores that remain when the answer has ended. After a stop string or an end token only the shown part of the
   * first of them; otherwise all, since the last ones may be of a character that is incomplete.
   */
  end(finishReason: string): ApiLogprob[] {
    const [cut] = this.#waiting;
    const rest = finishReason !== "length" ? (cut && this.#shown > 0 ? [partOf(cut, this.#shown)] : []) : this.#waiting;
    this.#waiting = [];
    this.#shown = 0;
    return rest;
  }
}

function partOf(entry: ApiLogprob, length: number): ApiLogprob {
  const bytes = entry.bytes.slice(0, length);
  return { ...entry, bytes, token: Buffer.from(bytes).toString("utf8") };
}
