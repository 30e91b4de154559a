/** @file A scripted model for the server's tests: bytes are its tokens, and it prefers the next byte of its script. */
import type { GenerateOptions, RawPrompt, TokenLogprob } from "../../src/engine/index.ts";
import type { Message, RgbImage } from "../../src/processor/index.ts";
import type { AttentionMap, ChatModel, ChatPart } from "../../src/serve/index.ts";

/** Token id that ends an answer; ids below it are bytes. */
export const END = 256;
const VOCAB = 257;
/** Score of the scripted token; all others lie between 0 and 1. */
const CERTAIN = 12;

/** How a fake model behaves. */
export interface FakeOptions {
  /** The answer's text; by default it tells what was asked and how many pictures of which size came along. */
  script?: (messages: Message[]) => string;
  /** Awaited before every token; lets a test hold an answer at a place. */
  beforeToken?: (index: number, signal: AbortSignal | undefined) => Promise<void> | void;
  /** What its folder would say of it. */
  card?: ChatModel["card"];
  attention?: (messages: Message[], answer: string | readonly number[], index: number) => Promise<AttentionMap>;
}

const sizeOf = ({ width, height }: RgbImage) => `${width}×${height}`;

/** The text a fake model answers by default. */
export function echo(messages: Message[]): string {
  const sizes: string[] = [];
  let last = "";
  for (const { role, content } of messages) {
    const parts = typeof content === "string" ? [{ type: "text" as const, text: content }] : content;
    for (const part of parts) {
      if (part.type === "image") sizes.push(sizeOf(part.image as RgbImage));
      else if (role === "user") last = part.text;
    }
  }
  return `You asked: ${last} [${sizes.join(", ")}]`;
}

/** A model whose answers a test can predict; it counts the answers in flight and the aborted ones. */
export class FakeModel implements ChatModel {
  readonly info = { maxContext: 32_768 };
  readonly tokenizer = {
    vocabSize: VOCAB,
    decode: (ids: Iterable<number>) => Buffer.from([...ids].filter((id) => id !== END)).toString("utf8"),
    *encodeSteps(text: string): Generator<void, number[]> {
      yield;
      return [...Buffer.from(text)];
    },
    tokenBytes: (id: number) => (id === END ? new Uint8Array(0) : Uint8Array.of(id)),
  };
  readonly attention?: ChatModel["attention"];
  readonly card?: ChatModel["card"];
  readonly requests: { messages: Message[]; options: GenerateOptions }[] = [];
  active = 0;
  mostActive = 0;
  aborted = 0;
  readonly #options: FakeOptions;

  constructor(options: FakeOptions = {}) {
    this.#options = options;
    this.attention = options.attention;
    this.card = options.card;
  }

  async *stream(_image: null, asked: Message[] | RawPrompt, options: GenerateOptions = {}): AsyncGenerator<ChatPart> {
    const messages: Message[] = "prompt" in asked ? [{ role: "user", content: String(asked.prompt) }] : asked;
    this.requests.push({ messages, options });
    this.active += 1;
    this.mostActive = Math.max(this.mostActive, this.active);
    try {
      yield* this.#generate(messages, options);
    } finally {
      this.active -= 1;
    }
  }

  async *#generate(messages: Message[], options: GenerateOptions): AsyncGenerator<ChatPart> {
    const script = Buffer.from((this.#options.script ?? echo)(messages));
    const limit = options.maxNewTokens ?? 256;
    const decoder = new TextDecoder();
    const tokens: number[] = [];
    let text = "";
    let finishReason: "stop" | "length" | "abort" = "length";
    let stopString: string | undefined;
    while (tokens.length < limit) {
      await this.#options.beforeToken?.(tokens.length, options.signal);
      if (options.signal?.aborted) {
        finishReason = "abort";
        this.aborted += 1;
        break;
      }
      const logprobs = this.#scores(script[tokens.length] ?? END, tokens, options);
      const token = choose(logprobs, tokens.length, options);
      tokens.push(token);
      if (token === END) {
        finishReason = "stop";
        break;
      }
      const piece = decoder.decode(Uint8Array.of(token), { stream: true });
      text += piece;
      const stop = options.stop?.find((word) => text.includes(word));
      if (stop !== undefined) {
        text = text.slice(0, text.indexOf(stop));
        finishReason = "stop";
        stopString = stop;
        break;
      }
      yield {
        text: piece,
        token,
        logprob: logprobs[token],
        topLogprobs: options.topLogprobs ? best(logprobs, options.topLogprobs) : undefined,
      };
    }
    const usage = { promptTokens: 10, completionTokens: tokens.length, cachedTokens: 4, imageTokens: 0 };
    yield { done: true, result: { text, tokens, finishReason, stopString, usage } };
  }

  /** Log-probabilities of the next token: the scripted one far ahead of noise that depends on the place only. */
  #scores(wanted: number, tokens: number[], options: GenerateOptions): Float32Array {
    const logits = Float32Array.from({ length: VOCAB }, (_, id) => ((id * 31 + tokens.length * 17) % 101) / 101);
    logits[wanted] = CERTAIN;
    for (const [id, bias] of Object.entries(options.logitBias ?? {})) logits[Number(id)]! += bias;
    const sum = logits.reduce((total, value) => total + Math.exp(value), 0);
    return logits.map((value) => value - Math.log(sum));
  }
}

function choose(logprobs: Float32Array, at: number, { doSample, seed = 0, temperature = 1 }: GenerateOptions): number {
  if (!doSample) return best(logprobs, 1)[0]!.token;
  // A draw that depends on seed and place only; temperature 2 flattens the script's lead enough for chance to show.
  const weights = logprobs.map((value) => Math.exp(value / temperature ** 3));
  const noise = Math.sin(seed * 12.9898 + at * 78.233) * 43758.5453;
  let rest = (noise - Math.floor(noise)) * weights.reduce((a, b) => a + b, 0);
  for (const [token, weight] of weights.entries()) {
    rest -= weight;
    if (rest <= 0) return token;
  }
  return END;
}

function best(logprobs: Float32Array, count: number): TokenLogprob[] {
  return Array.from(logprobs, (logprob, token) => ({ token, logprob }))
    .sort((a, b) => b.logprob - a.logprob)
    .slice(0, count);
}
