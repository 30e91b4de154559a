/** @file FlashVL in a page: a thin proxy of an engine that runs in a Worker. */
import { runPool } from "../common/index.ts";
import {
  type AttentionMap,
  type Conversation,
  checkRequests,
  type GenerateOptions,
  type GenerateResult,
  type Images,
  type ManyRequest,
  type ModelStats,
  PartQueue,
  type StreamPart,
} from "../engine/index.ts";
import type { ImageInput, Message, PictureLimits } from "../processor/core.ts";
import { type Method, type Opened, sendImages, sendMessages, sendOptions } from "./protocol.ts";
import { modelAddress } from "./store/stored-models.ts";
import { checkOptions, type WebModelInfo, type WebOptions } from "./web-options.ts";
import { WorkerCalls } from "./worker-calls.ts";

/** Options that stay in the page. */
export interface PageOptions extends WebOptions {
  /** Starts another Worker than the package's own, such as one that calls `answerPort(self)`. */
  worker?: () => Worker;
  /** Ask the browser to keep the model when the disk fills up. Default true; some browsers ask the user. */
  persist?: boolean;
}

/**
 * A model that answers in this page, without a server. Any number of chats may run at once; they are decoded together. Methods
 * are those of `FlashVL` in Node; those that need functions or weights are the engine's alone, see `openInThread`.
 * @example
 * import { FlashVL } from "flashvl/web";
 * const model = await FlashVL.fromPretrained("/models/flashvl-tiny/", { onProgress: ({ done, total }) => show(done / total) });
 * for await (const { text } of model.stream(file, [{ role: "user", content: "What is this?" }])) output.append(text);
 */
export class FlashVL implements AsyncDisposable {
  readonly info: WebModelInfo;
  readonly #calls: WorkerCalls;
  #disposing: Promise<void> | undefined;

  private constructor(calls: WorkerCalls, info: WebModelInfo) {
    this.#calls = calls;
    this.info = info;
  }

  /**
   * Opens a model. The first time it is downloaded into the browser's storage, and an interrupted download goes on where it
   * stopped; later visits need no network.
   * @param url of a folder that `flashvl export --web` wrote
   * @throws TypeError or RangeError for options; an error with name DownloadError, StorageError or RuntimeError; the signal's reason
   */
  static async fromPretrained(url: string, options: PageOptions = {}): Promise<FlashVL> {
    const { worker = startWorker, persist = true, ...shared } = options;
    checkOptions(shared);
    const { onProgress, signal, ...settings } = shared;
    signal?.throwIfAborted();
    if (persist && settings.storage !== "memory") await navigator.storage?.persist?.().catch(() => false);
    const calls = new WorkerCalls(worker());
    try {
      const request = { type: "open", url: modelAddress(url), settings } as const;
      const { info } = (await calls.ask(request, signal, { progress: onProgress })) as Opened;
      return new FlashVL(calls, info);
    } catch (error) {
      calls.close(disposedError());
      throw signal?.aborted ? signal.reason : error;
    }
  }

  /**
   * The answer as a string.
   * @param image one picture, several, or null for text only or for pictures that stand in the messages
   * @throws the signal's reason when it aborts
   * @example await model.chat(input.files[0], [{ role: "user", content: "What is this?" }], { maxNewTokens: 64 });
   */
  async chat(image: Images, messages: readonly Message[], options: GenerateOptions = {}): Promise<string> {
    const { text, finishReason } = await this.generate(image, messages, options);
    if (finishReason === "abort") throw options.signal!.reason;
    return text;
  }

  /**
   * The answer with its tokens, reason to end, usage and timings.
   * @throws an error with name ContextOverflowError, QueueFullError, InputError or SchemaError; RangeError or TypeError for options
   */
  async generate(image: Images, messages: readonly Message[], options: GenerateOptions = {}): Promise<GenerateResult> {
    const args = answerArguments(image, messages, options);
    return (await this.#call("generate", args, options.signal)) as GenerateResult;
  }

  /**
   * The answer token by token; the last part has `done: true` and the result. Leaving the loop cancels the request.
   * @example for await (const part of model.stream(image, messages)) output.append(part.text);
   */
  async *stream(
    image: Images,
    messages: Conversation,
    options: GenerateOptions = {},
  ): AsyncGenerator<StreamPart, void, undefined> {
    const args = answerArguments(image, messages, options);
    const left = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal;
    const parts = new PartQueue<StreamPart>();
    this.#calls.ask({ type: "stream", args }, signal, { part: (part) => parts.push(part) }).then(
      () => parts.end(),
      (error) => parts.end(error),
    );
    try {
      yield* parts;
    } finally {
      left.abort();
    }
  }

  /**
   * Answers many requests, as many at a time as the model batches. Results stand in the order of the requests.
   * @throws the first request's error that occurs; the others are cancelled.
   */
  async generateMany(
    requests: readonly ManyRequest[],
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<GenerateResult[]> {
    checkRequests(requests);
    return runPool(requests.length, this.info.maxBatch, signal, (i, shared) => {
      const { image, messages, options } = requests[i]!;
      const both = options?.signal ? AbortSignal.any([options.signal, shared]) : shared;
      return this.generate(image, messages, { ...options, signal: both });
    });
  }

  /** How many tokens the prompt of a request has, pictures included. */
  async countTokens(messages: Conversation, options: GenerateOptions = {}): Promise<number> {
    const args = [sendMessages(messages), sendOptions(options)];
    return (await this.#call("countTokens", args, options.signal)) as number;
  }

  /** A picture's tokens as the decoder gets them, [tokens, hidden]; from the cache where the picture was asked about before. */
  async pictureTokens(
    image: ImageInput,
    { signal, ...limits }: PictureLimits & { signal?: AbortSignal } = {},
  ): Promise<Float32Array> {
    return (await this.#call("pictureTokens", [sendImages(image), limits], signal)) as Float32Array;
  }

  /**
   * Where the decoder looked when it wrote token `index` of `answer`: its attention over each picture's tokens.
   * @param answer the answer's tokens, or its text
   * @throws RangeError when the answer has no such token; Error when the messages have no picture
   */
  async attention(
    messages: readonly Message[],
    answer: string | readonly number[],
    index: number,
    signal?: AbortSignal,
    limits: PictureLimits = {},
  ): Promise<AttentionMap> {
    const args = [sendMessages(messages), answer, index, limits];
    return (await this.#call("attention", args, signal)) as AttentionMap;
  }

  /** Counters and fills; unlike in Node a promise, since the engine is in a Worker. */
  async stats(): Promise<ModelStats> {
    return (await this.#call("stats", [], undefined)) as ModelStats;
  }

  /** Ends all requests with an error, and the Worker. Calling it again does nothing. */
  dispose(): Promise<void> {
    this.#disposing ??= this.#call("dispose", [], undefined).then(
      () => this.#calls.close(disposedError()),
      () => this.#calls.close(disposedError()),
    );
    return this.#disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #call(method: Method, args: unknown[], signal: AbortSignal | undefined): Promise<unknown> {
    return this.#calls.ask({ type: "call", method, args }, signal);
  }
}

/** Bundlers know this form, and make a file of the Worker and what it imports. */
const startWorker = (): Worker =>
  new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "flashvl" });

const answerArguments = (image: Images, messages: Conversation, options: GenerateOptions): unknown[] => [
  sendImages(image),
  sendMessages(messages),
  sendOptions(options),
];

/** Thrown by a model after dispose. */
const disposedError = (): Error => Object.assign(new Error("This model is disposed."), { code: "DISPOSED" });
