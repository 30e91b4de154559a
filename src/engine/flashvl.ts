/** @file FlashVL: a loaded model that answers questions about pictures. */
import type { ImageInput, Message, Tokenizer } from "../processor/index.ts";
import { type AnswerContext, answerRequest, type PreparedImages, prepareImages } from "./answer-request.ts";
import type { LayerOverrides, Preset } from "./compile/index.ts";
import { JsonConstraints, type SchemaInput } from "./constraint/index.ts";
import { type GenerateOptions, type GenerateResult, PartQueue, type StreamPart } from "./generate/index.ts";
import { type AttentionMap, look } from "./look.ts";
import { type OpenModel, openModel } from "./open-model.ts";
import type { OpenOptions } from "./open-options.ts";
import { type Images, planRequest } from "./plan-request.ts";
import { DecoderRunner, type KvCache, openKvCache, VisionEncoder } from "./run/index.ts";
import { runPool } from "./run-pool.ts";
import { type Device, disposeSessions } from "./runtime/index.ts";
import { Candidates, type LogitsProcessor } from "./sampling/index.ts";
import { Scheduler } from "./schedule/index.ts";
import type { WeightMap } from "./weights/index.ts";

/** What was opened. */
export interface ModelInfo {
  name: string;
  folder: string;
  preset: Preset;
  /** Precisions of single layers beside the preset. */
  overrides: LayerOverrides;
  /** The folder that was named in place of a preset. */
  compiled: string | undefined;
  device: Device;
  /** For example "onnxruntime 1.30.0". */
  runtime: string;
  maxContext: number;
  maxBatch: number;
  weights: "compiled" | "live";
}

/** Fills and hits of the caches. */
export interface ModelStats {
  running: number;
  waiting: number;
  /** Share of KV memory that holds tokens, 0 to 1. */
  kvUsage: number;
  kvBytes: number;
  prefixQueries: number;
  prefixHits: number;
  imageQueries: number;
  imageHits: number;
}

/** One of many requests. */
export interface ManyRequest {
  image: Images;
  messages: readonly Message[];
  options?: GenerateOptions;
}

const MAX_SEED = 2 ** 32;
/** Frees constraints whose processor nobody holds any more. */
const unusedConstraints = new FinalizationRegistry<() => void>((dispose) => dispose());

/**
 * A FlashVL checkpoint, loaded. Any number of chats may run at once; they are decoded together.
 * @example
 * await using model = await FlashVL.fromPretrained("FlashVL/FlashVL-2B-Static-GRPO");
 * console.log(await model.chat("board.png", [{ role: "user", content: "What is the price in row 1?" }]));
 */
export class FlashVL implements AsyncDisposable {
  readonly info: ModelInfo;
  readonly #model: OpenModel;
  readonly #context: AnswerContext;
  readonly #runner: DecoderRunner;
  #disposing: Promise<void> | undefined;

  private constructor(model: OpenModel, cache: KvCache, options: OpenOptions) {
    const { config, sessions, embeddings, limits } = model;
    this.#model = model;
    this.#runner = new DecoderRunner(config.decoder, sessions, cache);
    this.#context = {
      model,
      vision: new VisionEncoder(config, sessions.vision, limits.imageCacheBytes),
      scheduler: new Scheduler(this.#runner, embeddings, config.decoder, limits),
      constraints: new JsonConstraints(model.tokenizer, model.endTokens),
      buffers: new Candidates(config.decoder.vocabSize),
    };
    this.info = {
      name: model.name,
      folder: model.folder,
      preset: model.preset,
      overrides: options.overrides ?? {},
      compiled: options.compiled,
      device: options.device ?? "cpu",
      runtime: model.runtime,
      maxContext: limits.maxContext,
      maxBatch: limits.maxBatch,
      weights: model.live ? "live" : "compiled",
    };
  }

  /**
   * Opens a model: a folder, "org/name[@revision]" on the hub, or without a name the checkpoint that ships with the package.
   * The first time it is downloaded and compiled into the cache; later starts load the files.
   * @throws HubError, CheckpointError, RangeError, RuntimeError; nothing stays loaded and no half file is left.
   * @example const model = await FlashVL.fromPretrained("models/mine", { onProgress: ({ phase }) => console.error(phase) });
   */
  static async fromPretrained(name?: string, options: OpenOptions = {}): Promise<FlashVL> {
    const model = await openModel(name, options);
    const { config, limits, sessions } = model;
    const most = { slots: limits.maxBatch, capacity: limits.maxContext };
    try {
      return new FlashVL(model, await openKvCache(config.decoder, sessions.decode, most), options);
    } catch (error) {
      await disposeSessions(Object.values(sessions));
      await model.checkpoint.close();
      throw error;
    }
  }

  get config(): OpenModel["config"] {
    return this.#model.config;
  }

  get tokenizer(): Tokenizer {
    return this.#model.tokenizer;
  }

  /**
   * The answer as a string.
   * @param image one picture, several, or null for text only or for pictures that stand in the messages
   * @throws the signal's reason when it aborts
   * @example await model.chat("board.png", [{ role: "user", content: "What is this?" }], { maxNewTokens: 64 });
   */
  async chat(image: Images, messages: readonly Message[], options: GenerateOptions = {}): Promise<string> {
    const { text, finishReason } = await this.generate(image, messages, options);
    if (finishReason === "abort") throw options.signal!.reason;
    return text;
  }

  /**
   * The answer with its tokens, reason to end, usage and timings.
   * @throws ContextOverflowError, RangeError or Error before any work when the request cannot be answered
   * @throws QueueFullError when too many requests wait
   */
  async generate(image: Images, messages: readonly Message[], options: GenerateOptions = {}): Promise<GenerateResult> {
    this.#assertOpen();
    const plan = planRequest(this.#model, image, messages, options);
    return answerRequest(this.#context, plan, options, () => {});
  }

  /**
   * The answer token by token; the last part has `done: true` and the result. Leaving the loop cancels the request.
   * @example for await (const part of model.stream(image, messages)) process.stdout.write(part.text);
   */
  async *stream(
    image: Images,
    messages: readonly Message[],
    options: GenerateOptions = {},
  ): AsyncGenerator<StreamPart, void, undefined> {
    this.#assertOpen();
    const plan = planRequest(this.#model, image, messages, options);
    const left = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal;
    const parts = new PartQueue<StreamPart>();
    answerRequest(this.#context, plan, { ...options, signal }, (part) => parts.push(part)).then(
      (result) => {
        parts.push({ done: true, text: "", result });
        parts.end();
      },
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
    return runPool(requests.length, this.info.maxBatch, signal, (i, shared) => {
      const { image, messages, options } = requests[i]!;
      const both = options?.signal ? AbortSignal.any([options.signal, shared]) : shared;
      return this.generate(image, messages, { ...options, signal: both });
    });
  }

  /**
   * `samples` answers to one prompt, for reinforcement learning: pictures are encoded once, the prompt is read once, and
   * every token's log-probability under the sampling temperature is kept. Sample i is drawn with seed + i.
   * @example const group = await model.rollouts(image, messages, 8, { temperature: 1, seed: 1, maxNewTokens: 128 });
   */
  async rollouts(
    image: Images,
    messages: readonly Message[],
    samples: number,
    options: GenerateOptions = {},
  ): Promise<GenerateResult[]> {
    const [group] = await this.rolloutMany([{ image, messages, options }], samples);
    return group!;
  }

  /**
   * `rollouts` of several prompts, as many answers at a time as the model batches. All pictures are encoded before the first
   * answer begins, so that who is written together depends on nothing but the requests: the same ones on the same weights give
   * the same answers, bit for bit.
   * @returns a group of `samples` answers for each request, in order
   * @throws the first request's error that occurs; the others are cancelled.
   */
  async rolloutMany(requests: readonly ManyRequest[], samples: number): Promise<GenerateResult[][]> {
    this.#assertOpen();
    if (!Number.isInteger(samples) || samples < 1)
      throw new RangeError(`samples must be a whole number >= 1; found ${samples}.`);
    const plans = requests.map(({ image, messages, options = {} }) =>
      planRequest(this.#model, image, messages, options),
    );
    const prepared: PreparedImages[] = [];
    for (const [i, plan] of plans.entries())
      prepared.push(await prepareImages(this.#context, plan, requests[i]!.options?.signal));
    const results = await runPool(requests.length * samples, this.info.maxBatch, undefined, (index, shared) => {
      const [request, sample] = [Math.floor(index / samples), index % samples];
      const { options = {} } = requests[request]!;
      const seed = options.seed === undefined ? undefined : (options.seed + sample) % MAX_SEED;
      const logprobTemperature = options.logprobTemperature ?? (options.temperature || 1);
      const signal = options.signal ? AbortSignal.any([options.signal, shared]) : shared;
      const own = { doSample: true, ...options, logprobs: true, logprobTemperature, seed, signal };
      return answerRequest(this.#context, plans[request]!, own, () => {}, prepared[request]);
    });
    return requests.map((_, request) => results.slice(request * samples, (request + 1) * samples));
  }

  /**
   * A logits processor for one answer that only lets through what fits a JSON schema, for callers who run several
   * processors themselves; otherwise the option `schema` does the same.
   * @throws SchemaError for schemas that cannot be enforced.
   */
  async constrain(schema: SchemaInput): Promise<LogitsProcessor> {
    this.#assertOpen();
    const constraint = await this.#context.constraints.create(schema);
    const process: LogitsProcessor = (logits, generated) => constraint.apply(logits, generated);
    // Nobody says when the caller's answer is complete; the processor's own end says it.
    unusedConstraints.register(process, constraint.dispose);
    return process;
  }

  /**
   * A picture's tokens as the decoder gets them, [imageTokens, hidden]; from the cache where the picture was asked about before.
   * Do not write into them.
   * @throws InputError when the picture cannot be read, or the signal's reason
   * @example const tokens = await model.pictureTokens("board.png"); // 256 · 1536 numbers for the published model
   */
  async pictureTokens(image: ImageInput, signal?: AbortSignal): Promise<Float32Array> {
    this.#assertOpen();
    const { images } = await prepareImages(this.#context, { images: [image] }, signal);
    return images[0]!.features;
  }

  /**
   * Where the decoder looked when it wrote token `index` of `answer`: its attention over each picture's tokens, computed by
   * the graph that answers, in its precision, and from its KV cache. Costs one decoding step when the conversation is known.
   * @param answer the answer's tokens, or its text, which is then encoded again and may fall into other tokens
   * @param index 0 is the first token; the number of tokens is the place where the answer ended
   * @throws RangeError when the answer has no such token; Error when the messages have no picture
   * @throws ContextOverflowError, QueueFullError, or the signal's reason
   * @example
   * const { maps, columns } = await model.attention(messages, result.tokens, 0);
   * console.log(`weight of the picture's second row, first column: ${maps[0]![columns]}`);
   */
  async attention(
    messages: readonly Message[],
    answer: string | readonly number[],
    index: number,
    signal?: AbortSignal,
  ): Promise<AttentionMap> {
    this.#assertOpen();
    return look(this.#context, messages, answer, index, signal);
  }

  /**
   * Tells a model with live weights that numbers have changed, and hands over other arrays if given. Waits until no answer
   * is being written; what was cached from the old weights is forgotten.
   * @throws Error for a model with compiled weights.
   */
  async updateWeights(weights: WeightMap = new Map()): Promise<void> {
    this.#assertOpen();
    const { live } = this.#model;
    if (!live) throw new Error('This model\'s weights are compiled; open it with weights: "live" to change them.');
    const { scheduler, vision } = this.#context;
    await scheduler.exclusively(() => vision.changeWeights(() => live.set(weights)));
  }

  /** Memory of the weights of a model with live weights, by the checkpoint's names. @throws Error when they are compiled */
  weight(name: string): Float32Array {
    const { live } = this.#model;
    if (!live) throw new Error('This model\'s weights are compiled; open it with weights: "live" to read them.');
    return live.get(name).data as Float32Array;
  }

  /** Counters and fills, for metrics. */
  stats(): ModelStats {
    const { scheduler, vision } = this.#context;
    return {
      running: scheduler.running,
      waiting: scheduler.waiting,
      kvUsage: scheduler.cacheUsage,
      kvBytes: this.#runner.cache.bytes,
      prefixQueries: scheduler.stats.queries,
      prefixHits: scheduler.stats.hits,
      imageQueries: vision.stats.queries,
      imageHits: vision.stats.hits,
    };
  }

  /** Ends all requests with an error and releases everything. Calling it again does nothing. */
  dispose(): Promise<void> {
    this.#disposing ??= this.#release();
    return this.#disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #release(): Promise<void> {
    const { scheduler, vision, constraints } = this.#context;
    await Promise.all([scheduler.close(disposedError()), vision.dispose(disposedError())]);
    await Promise.all([this.#runner.dispose(), constraints.dispose(), this.#model.checkpoint.close()]);
  }

  #assertOpen(): void {
    if (this.#disposing) throw disposedError();
  }
}

/** Thrown by a model after dispose. */
const disposedError = (): Error => Object.assign(new Error("This model is disposed."), { code: "DISPOSED" });
