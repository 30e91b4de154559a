/** @file The judge: an OpenAI-compatible endpoint that is asked only what rules cannot decide; cached, limited in number, counted. */
import { API_FAILURE, type JudgeAsk } from "../../vlmeval/index.ts";
import { chatCompletion, type Endpoint } from "../chat-completion.ts";
import { ReplyCache } from "./reply-cache.ts";

export interface JudgeOptions extends Endpoint {
  /** The name in file names; default the model's. */
  nickName?: string;
  /** Questions under way at once. Default 16. */
  concurrency?: number;
  /** File of earlier replies; null for none. */
  cachePath: string | null;
}

export interface JudgeCounts {
  asked: number;
  cached: number;
  failed: number;
  promptTokens: number;
  completionTokens: number;
}

/** After this many failures in a row the judge counts as down and is asked no more. */
const GIVE_UP_AFTER = 8;
/** Upstream's step of temperature from one try to the next. */
const TEMPERATURE_STEP = 0.5;

/**
 * @example
 * const judge = new Judge({ baseUrl: "http://127.0.0.1:8000/v1", model: "judge", cachePath: null });
 * await judge.ask({ kind: "judge", prompt: "…", maxTokens: 16, attempt: 0 });
 */
export class Judge {
  readonly name: string;
  readonly concurrency: number;
  readonly counts: JudgeCounts = { asked: 0, cached: 0, failed: 0, promptTokens: 0, completionTokens: 0 };
  /** The last failure's message, for the report. */
  lastFailure: string | null = null;
  readonly #endpoint: Endpoint;
  readonly #cache: ReplyCache;
  readonly #underWay = new Map<string, Promise<string>>();
  #failuresInARow = 0;

  constructor(options: JudgeOptions) {
    this.name = options.nickName ?? options.model.split("/").at(-1)!;
    this.concurrency = options.concurrency ?? 16;
    this.#endpoint = options;
    this.#cache = new ReplyCache(options.cachePath);
  }

  /** The reply, or upstream's failure text when there is none; never throws but for the signal. */
  async ask(question: JudgeAsk, signal?: AbortSignal): Promise<string> {
    const { system, prompt, maxTokens, attempt } = question;
    const key = ReplyCache.key({ model: this.#endpoint.model, system, prompt, maxTokens, attempt });
    const known = this.#cache.get(key);
    if (known !== undefined) {
      this.counts.cached++;
      return known;
    }
    if (this.#failuresInARow >= GIVE_UP_AFTER) {
      this.counts.failed++;
      return `${API_FAILURE}.`;
    }
    const running = this.#underWay.get(key) ?? this.#send(question, key, signal);
    this.#underWay.set(key, running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #send({ system, prompt, maxTokens, attempt }: JudgeAsk, key: string, signal?: AbortSignal): Promise<string> {
    const messages = [...(system ? [{ role: "system", content: system }] : []), { role: "user", content: prompt }];
    const body = { messages, max_tokens: maxTokens, temperature: attempt * TEMPERATURE_STEP };
    try {
      const { text, promptTokens, completionTokens } = await chatCompletion(this.#endpoint, body, signal);
      this.counts.asked++;
      this.counts.promptTokens += promptTokens;
      this.counts.completionTokens += completionTokens;
      this.#failuresInARow = 0;
      this.#cache.set(key, text);
      return text;
    } catch (error) {
      signal?.throwIfAborted();
      this.counts.failed++;
      this.#failuresInARow++;
      this.lastFailure = (error as Error).message;
      return `${API_FAILURE}.`;
    }
  }
}
