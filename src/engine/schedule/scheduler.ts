/** @file Continuous batching: requests join and leave between decoder steps, each in a slot of its own. */
import type { DecoderConfig } from "../../model/index.ts";
import type { DecoderRunner } from "../run/decoder-runner.ts";
import type { LogitRow } from "../sampling/index.ts";
import type { EmbeddingTable } from "../weights/embedding-table.ts";
import { KvSlots } from "./kv-slots.ts";
import type { AnswerSequence, ObservedSequence, Sequence, SequenceReport, SequenceRequest } from "./sequence.ts";
import { StepRunner } from "./step-runner.ts";

export interface SchedulerOptions {
  /** Sequences that are decoded together. */
  maxBatch: number;
  /** Requests that may wait for a slot. */
  maxQueue: number;
  /** Prompt tokens per run: others get their next token between two runs. */
  prefillChunk: number;
}

/** Thrown by submit when too many requests wait; trying again later may succeed. */
export class QueueFullError extends Error {
  override readonly name = "QueueFullError";
  readonly code = "QUEUE_FULL";
}

/**
 * Runs all sequences of one model. Between two decoder steps it drops cancelled sequences, lets waiting ones in, feeds
 * one chunk of one prompt, then gives every decoding sequence its next token in one run (as in Orca, Yu et al., OSDI 2022).
 * A sequence that has a draft of its next tokens gets a run of its own instead, which may give it several.
 * What a sequence computes does not depend on its neighbours: each row of a run reads its own slot only.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #slots: KvSlots;
  readonly #steps: StepRunner;
  readonly #queue: Sequence[] = [];
  #active: Sequence[] = [];
  #loop: Promise<void> | undefined;
  #nudge: () => void = () => {};
  #paused = 0;
  #closed: Error | undefined;
  /** Sequences looked up in the prefix cache, and how many found something. */
  readonly stats = { queries: 0, hits: 0 };

  constructor(runner: DecoderRunner, embeddings: EmbeddingTable, config: DecoderConfig, options: SchedulerOptions) {
    this.#options = options;
    this.#slots = new KvSlots(options.maxBatch);
    this.#steps = new StepRunner(runner, embeddings, config, this.#slots);
  }

  get running(): number {
    return this.#active.length;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Share of the tokens that the cache holds at most that running sequences have, 0 to 1. */
  get cacheUsage(): number {
    return this.#steps.cacheUsage(this.#active);
  }

  /**
   * Queues a request; resolves when its sequence has ended.
   * @throws QueueFullError when `maxQueue` requests wait already.
   */
  async submit(request: SequenceRequest): Promise<SequenceReport> {
    if (this.#closed) throw this.#closed;
    if (this.#queue.length >= this.#options.maxQueue) {
      throw new QueueFullError(`${this.#queue.length} requests are waiting, the most that may. Try again later.`);
    }
    const report: SequenceReport = { cachedTokens: 0, startedAt: 0, firstTokenAt: 0, endedAt: 0, aborted: false };
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, resolve, reject, slot: undefined, pending: [], report });
      this.#wake();
    });
  }

  /** Runs `change` while no sequence is under way; new ones wait. For changes of weights, after which nothing cached is true. */
  async exclusively<Result>(change: () => Promise<Result> | Result): Promise<Result> {
    this.#paused++;
    try {
      while (this.#loop) await this.#loop;
      if (this.#closed) throw this.#closed;
      for (const slot of this.#slots.all) this.#slots.empty(slot);
      return await change();
    } finally {
      this.#paused--;
      this.#wake();
    }
  }

  /** Ends everything: waiting and running requests fail with `reason`. Resolves when no run is in progress. */
  async close(reason: Error): Promise<void> {
    this.#closed ??= reason;
    for (const sequence of this.#queue.splice(0)) sequence.reject(this.#closed);
    await this.#loop;
  }

  /** Resolves at the next {@link #nudge}: a request has come, or one goes on. */
  #nudged(): Promise<void> {
    return new Promise((resolve) => {
      this.#nudge = resolve;
    });
  }

  #wake(): void {
    this.#nudge();
    if (this.#loop || (this.#queue.length === 0 && this.#active.length === 0)) return;
    if (this.#paused > 0 && this.#active.length === 0) return;
    this.#loop = this.#work().finally(() => {
      this.#loop = undefined;
      this.#wake();
    });
  }

  async #work(): Promise<void> {
    for (;;) {
      this.#dropCancelled();
      await this.#admit();
      if (this.#active.length === 0) return;
      if (this.#active.every(({ held }) => held)) {
        await this.#nudged();
        continue;
      }
      const prefilling = this.#active.find((sequence) => sequence.pending.length > 1);
      if (prefilling) await this.#guarded([prefilling], () => this.#prefill(prefilling));
      const decoding: Sequence[] = [];
      for (const sequence of this.#active.filter(({ pending, held }) => pending.length === 1 && !held)) {
        const { request } = sequence;
        if (request.kind === "observed") await this.#guarded([sequence], () => this.#observe(sequence, request));
        else {
          const draft = request.lookup?.propose(request.sampler.generated) ?? [];
          if (draft.length === 0) decoding.push(sequence);
          else await this.#guarded([sequence], () => this.#verify(sequence, request, draft));
        }
      }
      if (decoding.length > 0) await this.#guarded(decoding, () => this.#decode(decoding));
    }
  }

  #dropCancelled(): void {
    if (this.#closed) {
      for (const sequence of [...this.#active]) this.#end(sequence, this.#closed);
      return;
    }
    for (const sequence of [...this.#queue, ...this.#active]) {
      if (sequence.request.signal?.aborted) this.#end(sequence, undefined, true);
    }
  }

  /** Lets waiting requests in, one prompt at a time: the next may share the beginning of the one that is being read. */
  async #admit(): Promise<void> {
    while (this.#queue.length > 0 && this.#paused === 0 && !this.#slots.full) {
      if (this.#active.some((sequence) => sequence.pending.length > 1)) return;
      const sequence = this.#queue.shift()!;
      const { ids, images } = sequence.request;
      const row = { ids, images: images.map((image) => image.key) };
      const { slot, cached, from } = this.#slots.take(row);
      this.stats.queries++;
      if (cached > 0) this.stats.hits++;
      sequence.slot = slot;
      sequence.pending = ids.slice(cached);
      sequence.report.cachedTokens = cached;
      sequence.report.startedAt = performance.now();
      this.#active.push(sequence);
      try {
        await this.#steps.prepare(ids.length, cached, from?.index, slot.index);
      } catch (error) {
        this.#slots.empty(slot);
        this.#end(sequence, error);
      }
    }
  }

  async #prefill(sequence: Sequence): Promise<void> {
    const { pending, request } = sequence;
    const wanted = request.kind === "observed" ? pending.length - 1 : pending.length;
    const tokens = Math.min(wanted, this.#options.prefillChunk);
    const last = tokens === pending.length;
    const logits = await this.#steps.prefill(sequence, tokens, last);
    sequence.pending = pending.slice(tokens);
    if (last) this.#choose(sequence, this.#steps.row(logits, 0));
  }

  async #decode(sequences: Sequence[]): Promise<void> {
    const logits = await this.#steps.decode(sequences);
    for (const [i, sequence] of sequences.entries()) this.#choose(sequence, this.#steps.row(logits, i));
  }

  /**
   * Speculation: the model's own choice is made at every place of the draft in turn, from the same logits, penalties and
   * random numbers as without a draft, and goes on for as long as the draft says the same (Leviathan et al., ICML 2023,
   * with a draft that is certain of itself). So the answer is the one without drafts.
   */
  async #verify(sequence: Sequence, request: AnswerSequence, draft: readonly number[]): Promise<void> {
    const slot = sequence.slot!;
    const logits = await this.#steps.verify(sequence, draft);
    let accepted = 0;
    while (
      (await this.#choose(sequence, this.#steps.row(logits, accepted))) &&
      sequence.pending[0] === draft[accepted]
    ) {
      slot.ids.push(draft[accepted]!);
      accepted++;
    }
    // A choice that ended the answer counts as well if it was guessed.
    if (sequence.slot === undefined && sequence.pending[0] === draft[accepted]) accepted++;
    request.lookup?.observe(draft.length, accepted);
  }

  async #observe(sequence: Sequence, request: ObservedSequence): Promise<void> {
    await this.#steps.observed(sequence, request);
    this.#end(sequence);
  }

  /**
   * Gives a sequence its next token; false when it ends here, or when it first has to compute something: it then keeps its logits,
   * and the others go on. What a sampler or a taker throws is that request's own failure.
   */
  #choose(sequence: Sequence, { values, peaks }: LogitRow): boolean {
    const { request } = sequence;
    if (request.kind === "observed" || request.signal?.aborted) return false;
    try {
      const preparing = request.prepare?.();
      if (preparing) {
        sequence.held = { values: values.slice(), peaks: peaks?.slice() };
        const go = () => this.#resume(sequence);
        // What failed is told by the sampler, which needs the same.
        preparing.then(go, go);
        return false;
      }
      const choice = request.sampler.next(values, peaks);
      sequence.report.firstTokenAt ||= performance.now();
      sequence.pending = [choice.token];
      if (request.accept(choice)) return true;
      this.#end(sequence);
    } catch (error) {
      this.#end(sequence, error);
    }
    return false;
  }

  /** Lets a sequence choose from the logits that it kept. */
  #resume(sequence: Sequence): void {
    const { held } = sequence;
    sequence.held = undefined;
    if (held && this.#active.includes(sequence)) this.#choose(sequence, held);
    this.#nudge();
  }

  /** A run that fails leaves its rows undefined: their requests fail, their slots are emptied, everybody else goes on. */
  async #guarded(sequences: Sequence[], run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      for (const sequence of sequences) {
        if (sequence.slot) this.#slots.empty(sequence.slot);
        this.#end(sequence, error);
      }
    }
  }

  #end(sequence: Sequence, error?: unknown, aborted = false): void {
    const queued = this.#queue.indexOf(sequence);
    if (queued >= 0) this.#queue.splice(queued, 1);
    this.#active = this.#active.filter((other) => other !== sequence);
    if (sequence.slot) this.#slots.release(sequence.slot);
    sequence.slot = undefined;
    if (error !== undefined) sequence.reject(error);
    else sequence.resolve({ ...sequence.report, aborted, endedAt: performance.now() });
  }
}
