/** @file Runs the decoder's graphs over rows of the KV cache. */
import { cacheNames, type DecoderConfig } from "../../model/index.ts";
import { PEAK_BLOCK } from "../../passes/index.ts";
import { createTensor, disposeSessions, type Session, wrapTensor } from "../../runtime/index.ts";
import type { KvCache } from "./kv-cache.ts";
import { QueryTap, rowTensor } from "./query-tap.ts";

/** The new tokens of one run: the same number for each of its slots. */
export interface DecoderStep {
  /** The graph for many tokens of one row, or the one for few tokens of many; they may differ in precision. */
  graph: "prefill" | "decode";
  /** The slots that take part: what `rowsFor` says, or one. */
  slots: readonly number[];
  /** New tokens per slot. */
  tokens: number;
  /** [slots, tokens, hidden], row by row. */
  embeds: Float32Array;
  /** [slots]: tokens that each slot holds already. */
  lengths: readonly number[];
  /** Which of the slots·tokens positions get logits. */
  logitRows: readonly number[];
}

/** The decoder with its cache. One run at a time: the caller is a scheduler that does one step after the other. */
export class DecoderRunner {
  readonly cache: KvCache;
  /** Queries of the decode graph, none unless asked for. */
  readonly queries: QueryTap;
  readonly #config: DecoderConfig;
  readonly #sessions: { prefill: Session; decode: Session };
  /** What the cache inputs and outputs of each session are bound to. */
  readonly #bound = new Map<Session, string>();
  #logits = new ArrayBuffer(64);
  #peaks: Float32Array | undefined;
  readonly #positions = new ArrayBuffer(4096);
  readonly #slots = new ArrayBuffer(4096);
  readonly #total = createTensor("int32", []);

  /**
   * Set where one row is never computed alone, and then the most tokens of a row: ONNX Runtime's products of one row sum in another
   * order than those of several, which all sum alike. So a token's numbers do not depend on who is written beside it.
   */
  readonly pairsWithin: number | undefined;

  constructor(
    config: DecoderConfig,
    sessions: { prefill: Session; decode: Session },
    cache: KvCache,
    pairsWithin?: number,
  ) {
    this.pairsWithin = pairsWithin;
    this.#config = config;
    this.#sessions = sessions;
    this.cache = cache;
    this.queries = new QueryTap(sessions.decode, config.layers);
  }

  /**
   * The slots that take part in a decode step for those given. The native attention finds its rows itself; elsewhere a step
   * takes neighbours, and idle slots between them are computed along: what they append lies behind their end.
   */
  rowsFor(slots: readonly number[]): readonly number[] {
    if (findsRows(this.#sessions.decode)) return slots;
    if (slots.length === 1) return slots;
    const first = this.cache.anyFirst ? Math.min(...slots) : 0;
    return Array.from({ length: Math.max(...slots) - first + 1 }, (_, i) => first + i);
  }

  /**
   * Appends the step's tokens to the cache, which must have room for them, and computes the logits asked for.
   * @returns float32 [logitRows, vocabulary], valid until the next run
   * @throws RuntimeError when ONNX Runtime refuses; the rows of the cache are undefined then
   */
  async run(given: DecoderStep): Promise<Float32Array> {
    const step = this.#padded(given);
    const { slots, tokens, embeds, lengths } = step;
    const { hiddenSize, vocabSize } = this.#config;
    const session = this.#sessions[step.graph];
    // Kernels of GPUs refuse to work on nothing.
    const logitRows = step.logitRows.length === 0 && session.device !== "cpu" ? [0] : step.logitRows;
    const count = slots.length;
    const [first, rows] = findsRows(session) ? [0, this.cache.slots] : [slots[0]!, count];
    await this.cache.open(first, rows, lengths[0]!);
    this.#bindCache(session, first, rows);
    if (findsRows(session)) this.#bindSlots(session, slots);

    const positions = wrapTensor("int32", [count], this.#positions);
    let longest = 0;
    for (let i = 0; i < count; i++) {
      const length = lengths[i]! + tokens;
      (positions.data as Int32Array)[i] = length - 1;
      longest = Math.max(longest, length);
    }
    (this.#total.data as Int32Array)[0] = longest;
    const logitBytes = logitRows.length * vocabSize * Float32Array.BYTES_PER_ELEMENT;
    if (this.#logits.byteLength < logitBytes) this.#logits = new ArrayBuffer(logitBytes);
    const logits = wrapTensor("float32", [logitRows.length, vocabSize], this.#logits);

    session.bindInput("embeds", wrapTensor("float32", [count, tokens, hiddenSize], embeds.buffer, embeds.byteOffset));
    session.bindInput("last_positions", positions);
    if (!findsRows(session)) session.bindInput("total_length", this.#total);
    session.bindInput("logit_rows", rowTensor(logitRows));
    session.bindOutput("logits", logits);
    this.#bindPeaks(session, logitRows.length);
    await session.run();
    await this.cache.close(first, rows, lengths[0]!, lengths[0]! + given.tokens);
    return logits.data as Float32Array;
  }

  /** The step with every product over two rows at least, see `pairsWithin`: a token of zeros stands behind the one, in the cache behind its end. */
  #padded(step: DecoderStep): DecoderStep {
    const { slots, tokens, embeds, lengths, logitRows } = step;
    // Without logits someone looks at this very token.
    if (this.pairsWithin === undefined || logitRows.length === 0) return step;
    const rows = logitRows.length === 1 ? [logitRows[0]!, logitRows[0]!] : logitRows;
    const room = this.cache.capacity >= lengths[0]! + 2;
    if (slots.length * tokens > 1 || !room) return { ...step, logitRows: rows };
    const two = new Float32Array(new ArrayBuffer(2 * embeds.byteLength));
    two.set(embeds);
    return { ...step, tokens: 2, embeds: two, logitRows: rows };
  }

  /**
   * The largest of every `PEAK_BLOCK` logits of the last run, [logitRows, vocabulary / PEAK_BLOCK, rounded up]; undefined
   * where the graph does not tell.
   */
  get peaks(): Float32Array | undefined {
    return this.#peaks;
  }

  async dispose(): Promise<void> {
    await this.cache.dispose();
    await disposeSessions(Object.values(this.#sessions));
  }

  #bindPeaks(session: Session, rows: number): void {
    this.#peaks = undefined;
    if (!session.outputNames.includes("peaks")) return;
    const tensor = createTensor("float32", [rows, Math.ceil(this.#config.vocabSize / PEAK_BLOCK)]);
    session.bindOutput("peaks", tensor);
    this.#peaks = tensor.data as Float32Array;
  }

  #bindSlots(session: Session, slots: readonly number[]): void {
    const rows = wrapTensor("int32", [slots.length], this.#slots);
    (rows.data as Int32Array).set(slots);
    session.bindInput("slots", rows);
  }

  /** Binds past and present to the same memory, unless they are bound to it already: the step's rows, or the whole cache. */
  #bindCache(session: Session, first: number, count: number): void {
    const rows = `${first} ${count} ${this.cache.version}`;
    if (this.#bound.get(session) === rows) return;
    this.#bound.delete(session);
    this.cache.rows(first, count).forEach(({ key, value }, layer) => {
      const names = cacheNames(layer);
      session.bindInput(names.pastKey, key);
      session.bindInput(names.pastValue, value);
      session.bindOutput(names.presentKey, key);
      session.bindOutput(names.presentValue, value);
    });
    this.#bound.set(session, rows);
  }
}

/** Whether a graph is told which rows of the whole cache are meant, instead of being given those rows alone. */
const findsRows = (session: Session): boolean => session.inputNames.includes("slots");
