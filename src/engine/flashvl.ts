/** @file FlashVL: a loaded model that answers questions about pictures. */

import { runPool } from "../common/index.ts";
import type { ImageInput, Message, PictureLimits, Tokenizer } from "../processor/core.ts";
import { type AnswerContext, abortedResult, answerPlan, pictureTokens, streamPlan } from "./answer-plan.ts";
import { JsonConstraints, type SchemaInput } from "./constraint/index.ts";
import type { EngineParts, ModelDescription, ModelInfo } from "./engine-parts.ts";
import { answerSettings, type GenerateOptions, type GenerateResult, type StreamPart } from "./generate/index.ts";
import { withDefaults } from "./generation-defaults.ts";
import { type AttentionMap, look } from "./look.ts";
import type { ModelCard } from "./model-card.ts";
import { type ModelStats, modelStats } from "./model-stats.ts";
import {
  type Conversation,
  checkRequests,
  type Images,
  type ManyRequest,
  planRequest,
  type RequestPlan,
} from "./plan-request.ts";
import { type RolloutGroup, rolloutMany } from "./rollouts.ts";
import { DecoderRunner, VisionEncoder } from "./run/index.ts";
import { Candidates, type LogitsProcessor } from "./sampling/index.ts";
import { Scheduler } from "./schedule/index.ts";
import type { LiveWeights, WeightMap } from "./weights/live-weights.ts";

/**
 * A loaded model that answers. Any number of chats may run at once; they are decoded together. It needs no particular
 * platform: what opens models there (in Node `FlashVL.fromPretrained`) hands in the parts.
 * @example
 * await using model = new FlashVL(parts);
 * console.log(await model.chat("board.png", [{ role: "user", content: "What is the price in row 1?" }]));
 */
export class FlashVL implements AsyncDisposable {
  readonly info: ModelInfo;
  readonly #parts: EngineParts;
  readonly #context: AnswerContext;
  #disposing: Promise<void> | undefined;

  constructor(parts: EngineParts) {
    const { description, sessions, cache, embeddings, limits } = parts;
    const { config, tokenizer, endTokens } = description;
    this.info = parts.info;
    this.#parts = parts;
    const runner = new DecoderRunner(config.decoder, sessions, cache, parts.live && parts.info.maxContext);
    this.#context = {
      parts,
      runner,
      vision: new VisionEncoder(config, sessions.vision, limits.imageCacheBytes),
      scheduler: new Scheduler(runner, embeddings, config.decoder, limits),
      constraints: new JsonConstraints(tokenizer, endTokens, parts.compileApart),
      buffers: new Candidates(config.decoder.vocabSize),
    };
  }

  get config(): ModelDescription["config"] {
    return this.#parts.description.config;
  }

  /** What the model's folder says of it. */
  get card(): ModelCard {
    return this.#parts.description.card;
  }

  get tokenizer(): Tokenizer {
    return this.#parts.description.tokenizer;
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
    const startedAt = performance.now();
    const plan = await planUnlessAborted(this.#parts, image, messages, options);
    return plan ? answerPlan(this.#context, plan, () => {}) : abortedResult(startedAt);
  }

  /**
   * The answer token by token; the last part has `done: true` and the result. Leaving the loop cancels the request.
   * @param messages the conversation, or `{ prompt }` for the continuation of a bare text without any template
   * @example for await (const part of model.stream(image, messages)) process.stdout.write(part.text);
   */
  async *stream(
    image: Images,
    messages: Conversation,
    options: GenerateOptions = {},
  ): AsyncGenerator<StreamPart, void, undefined> {
    this.#assertOpen();
    const startedAt = performance.now();
    const plan = await planUnlessAborted(this.#parts, image, messages, options);
    if (!plan) {
      yield { done: true, text: "", result: abortedResult(startedAt) };
      return;
    }
    yield* streamPlan(this.#context, plan);
  }

  /**
   * Tokens of the prompt that a conversation becomes, those of its pictures included.
   * @throws what {@link stream} throws for a conversation that cannot be answered
   */
  async countTokens(messages: Conversation, options: GenerateOptions = {}): Promise<number> {
    this.#assertOpen();
    return (await planRequest(this.#parts, null, messages, { ...options, maxNewTokens: 1 })).ids.length;
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
    return runPool(requests.length, this.info.maxBatch, signal, (i, shared) => this.#oneOf(requests[i]!, shared));
  }

  /**
   * Like {@link generateMany}, but a request that fails costs only its own answer: each result is
   * `{ status: "fulfilled", value }` or `{ status: "rejected", reason }`, as of `Promise.allSettled`.
   * @throws TypeError for a request with an unknown key
   * @example
   * for (const one of await model.generateManySettled(requests))
   *   console.log(one.status === "fulfilled" ? one.value.text : `failed: ${one.reason.message}`);
   */
  async generateManySettled(
    requests: readonly ManyRequest[],
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<PromiseSettledResult<GenerateResult>[]> {
    checkRequests(requests);
    return runPool(requests.length, this.info.maxBatch, signal, (i, shared) =>
      Promise.allSettled([this.#oneOf(requests[i]!, shared)]).then(([result]) => result),
    );
  }

  #oneOf({ image, messages, options }: ManyRequest, shared: AbortSignal): Promise<GenerateResult> {
    const signal = options?.signal ? AbortSignal.any([options.signal, shared]) : shared;
    return this.generate(image, messages, { ...options, signal });
  }

  /**
   * `samples` answers to one prompt, for reinforcement learning: pictures are encoded once, the prompt is read once, and
   * every token's log-probability under the sampling temperature is kept. Sample i is drawn with `deriveSeed(seed, i)`.
   * @example const group = await model.rollouts(image, messages, 8, { temperature: 1, seed: 1, maxNewTokens: 128 });
   */
  async rollouts(
    image: Images,
    messages: readonly Message[],
    samples: number,
    options: GenerateOptions = {},
  ): Promise<GenerateResult[]> {
    const [group] = await this.rolloutMany([{ image, messages, options }], samples);
    return group!.answers;
  }

  /**
   * `rollouts` of several prompts, as many answers at a time as the model batches. All pictures are encoded before the first
   * answer begins, so that who is written together depends on nothing but the requests: the same ones on the same weights give
   * the same answers, bit for bit.
   * @returns for each request, in order, a group of `samples` answers and what they were answers to
   * @throws the first request's error that occurs; the others are cancelled.
   */
  async rolloutMany(requests: readonly ManyRequest[], samples: number): Promise<RolloutGroup[]> {
    this.#assertOpen();
    return rolloutMany(this.#context, requests, samples);
  }

  /**
   * A logits processor for one answer that only lets through what fits a JSON schema, for callers who run several
   * processors themselves; otherwise the option `schema` does the same.
   * @throws SchemaError for schemas that cannot be enforced.
   */
  constrain(schema: SchemaInput): LogitsProcessor {
    this.#assertOpen();
    return this.#context.constraints.create({ json: schema }).apply;
  }

  /**
   * Checks an answer's options and compiles its schema, which is kept for the answer, so that both are refused before it waits.
   * @throws TypeError, RangeError or SchemaError, as {@link stream} would throw
   */
  async checkOptions(options: GenerateOptions): Promise<void> {
    this.#assertOpen();
    const { vocabSize } = this.config.decoder;
    const { structure } = answerSettings(withDefaults(options, this.#parts.description.generation), vocabSize);
    if (structure !== undefined) await this.#context.constraints.open(structure);
  }

  /**
   * A picture's tokens as the decoder gets them, [tokens, hidden]; from the cache where the picture was asked about before.
   * Do not write into them.
   * @throws InputError when the picture cannot be read, or the signal's reason
   * @example const tokens = await model.pictureTokens("board.png"); // 256 · 1536 numbers for the published model
   */
  async pictureTokens(
    image: ImageInput,
    { signal, ...limits }: PictureLimits & { signal?: AbortSignal } = {},
  ): Promise<Float32Array> {
    this.#assertOpen();
    return pictureTokens(this.#context, image, limits, signal);
  }

  /**
   * Where the decoder looked when it wrote token `index` of `answer`: its attention over each picture's tokens, computed by
   * the graph that answers, in its precision, and from its KV cache. Costs one decoding step when the conversation is known.
   * @param answer the answer's tokens, or its text, which is then encoded again and may fall into other tokens
   * @param index 0 is the first token; the number of tokens is the place where the answer ended
   * @param limits those of the request, where it had its own
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
    limits: PictureLimits = {},
  ): Promise<AttentionMap> {
    this.#assertOpen();
    return look(this.#context, messages, answer, index, signal, limits);
  }

  /**
   * Tells a model with live weights that numbers have changed, and hands over other arrays if given. Waits until no answer
   * is being written; what was cached from the old weights is forgotten.
   * @throws Error for a model with compiled weights.
   */
  async updateWeights(weights: WeightMap = new Map()): Promise<void> {
    this.#assertOpen();
    const live = this.#live("change");
    const { scheduler, vision } = this.#context;
    await scheduler.exclusively(() => vision.changeWeights(() => live.set(weights)));
  }

  /** Memory of the weights of a model with live weights, by the model's own names (a family says where its files keep each). @throws Error when they are compiled */
  weight(name: string): Float32Array {
    const live = this.#live("read");
    return live.get(name).data as Float32Array;
  }

  /** Counters and fills, for metrics. */
  stats(): ModelStats {
    return modelStats(this.#context);
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
    const { runner, scheduler, vision } = this.#context;
    await Promise.all([scheduler.close(disposedError()), vision.dispose(disposedError())]);
    await Promise.all([runner.dispose(), this.#parts.close()]);
  }

  #live(purpose: "change" | "read"): LiveWeights {
    const { live } = this.#parts;
    if (!live) throw new Error(`This model's weights are compiled; open it with weights: "live" to ${purpose} them.`);
    return live;
  }

  #assertOpen(): void {
    if (this.#disposing) throw disposedError();
  }
}

/** Thrown by a model after dispose. */
const disposedError = (): Error => Object.assign(new Error("This model is disposed."), { code: "DISPOSED" });

/** The plan of a request; undefined when its signal ends it first. */
const planUnlessAborted = (
  ...[parts, image, messages, options]: Parameters<typeof planRequest>
): Promise<RequestPlan | undefined> =>
  planRequest(parts, image, messages, options).catch((error) => {
    if (!options.signal?.aborted) throw error;
    return undefined;
  });
