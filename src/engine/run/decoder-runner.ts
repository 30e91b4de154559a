/** @file Runs the decoder's graphs over rows of the KV cache. */
import { cacheNames, type DecoderConfig, PEAK_BLOCK, queryName } from "../../model/index.ts";
import { createTensor, disposeSessions, type Session, type Tensor, wrapTensor } from "../runtime/index.ts";
import type { KvCache } from "./kv-cache.ts";

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
  /** Which of them get queries too. Only the decode graph tells. Default none. */
  queryRows?: readonly number[];
}

/** The decoder with its cache. One run at a time: the caller is a scheduler that does one step after the other. */
export class DecoderRunner {
  readonly cache: KvCache;
  readonly #config: DecoderConfig;
  readonly #sessions: { prefill: Session; decode: Session };
  /** What the cache inputs and outputs of each session are bound to. */
  readonly #bound = new Map<Session, string>();
  /** Memory of the decode graph's queries, [queryRows, width] per layer. */
  #queries: Float32Array[] = [];
  #logits = new ArrayBuffer(64);
  #peaks: Float32Array | undefined;
  readonly #positions = new ArrayBuffer(4096);
  readonly #slots = new ArrayBuffer(4096);
  readonly #total = createTensor("int32", []);

  constructor(config: DecoderConfig, sessions: { prefill: Session; decode: Session }, cache: KvCache) {
    this.#config = config;
    this.#sessions = sessions;
    this.cache = cache;
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
  async run(step: DecoderStep): Promise<Float32Array> {
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
    if (session === this.#sessions.decode) this.#bindQueries(session, step.queryRows ?? []);
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
    await this.cache.close(first, rows, lengths[0]!, lengths[0]! + tokens);
    return logits.data as Float32Array;
  }

  /**
   * The largest of every `PEAK_BLOCK` logits of the last run, [logitRows, vocabulary / PEAK_BLOCK, rounded up]; undefined
   * where the graph does not tell.
   */
  get peaks(): Float32Array | undefined {
    return this.#peaks;
  }

  /** Queries of the last decode step, one [queryRows, width] per layer; a row begins with heads·headDim numbers. */
  get queries(): readonly Float32Array[] {
    return this.#queries;
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

  /** Binds memory for queries, unless none are wanted and none were. */
  #bindQueries(session: Session, rows: readonly number[]): void {
    if (rows.length === 0 && this.#queries[0]?.length === 0) return;
    this.#queries = Array.from({ length: this.#config.layers }, (_, layer) => {
      const name = queryName(layer);
      const width = session.outputs.find((output) => output.name === name)!.dims[1] as number;
      const tensor = createTensor("float32", [rows.length, width]);
      session.bindOutput(name, tensor);
      return tensor.data as Float32Array;
    });
    session.bindInput("query_rows", rowTensor(rows));
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

function rowTensor(rows: readonly number[]): Tensor {
  const tensor = createTensor("int64", [rows.length]);
  (tensor.data as BigInt64Array).set(rows.map(BigInt));
  return tensor;
}
