/** @file Runs of the decoder for sequences in their slots: what is fed, and what the slots hold afterwards. */
import type { DecoderConfig } from "../../model/index.ts";
import { PEAK_BLOCK } from "../../passes/index.ts";
import type { DecoderRunner } from "../run/decoder-runner.ts";
import type { LogitRow } from "../sampling/index.ts";
import type { EmbeddingTable } from "../weights/embedding-table.ts";
import type { KvSlots } from "./kv-slots.ts";
import { promptEmbeddings } from "./prompt-embeddings.ts";
import type { ObservedSequence, Sequence } from "./sequence.ts";

/** Feeds admitted sequences, one run at a time. Logits are valid until the next run. */
export class StepRunner {
  readonly #runner: DecoderRunner;
  readonly #embeddings: EmbeddingTable;
  readonly #config: DecoderConfig;
  readonly #slots: KvSlots;

  constructor(runner: DecoderRunner, embeddings: EmbeddingTable, config: DecoderConfig, slots: KvSlots) {
    this.#runner = runner;
    this.#embeddings = embeddings;
    this.#config = config;
    this.#slots = slots;
  }

  /**
   * Share of the tokens that the cache holds at most that belong to these sequences, 0 to 1; what else it holds is there to
   * be reused. Not of its memory now, which grows with what is asked for and so is always nearly full.
   */
  cacheUsage(sequences: readonly Sequence[]): number {
    const { slots, capacity } = this.#runner.cache.most;
    const held = sequences.reduce((sum, { slot }) => sum + (slot?.ids.length ?? 0), 0);
    return held / (slots * capacity);
  }

  /** Row `row` of the last run's logits, and the largest of every stretch of them where the graph tells. */
  row(logits: Float32Array, row: number): LogitRow {
    const { vocabSize } = this.#config;
    const { peaks } = this.#runner;
    const stretches = Math.ceil(vocabSize / PEAK_BLOCK);
    return {
      values: logits.subarray(row * vocabSize, (row + 1) * vocabSize),
      peaks: peaks?.subarray(row * stretches, (row + 1) * stretches),
    };
  }

  /** Makes room for `length` tokens and copies the first `cached` tokens of one slot into another. */
  async prepare(length: number, cached: number, from: number | undefined, to: number): Promise<void> {
    await this.#ensureRoom(length);
    if (from !== undefined) await this.#runner.cache.copy(from, to, cached);
  }

  /** Feeds the next `tokens` of a prompt. Logits [1, vocabulary] when `last`, otherwise none. */
  async prefill(sequence: Sequence, tokens: number, last: boolean): Promise<Float32Array> {
    const { request } = sequence;
    const slot = sequence.slot!;
    const past = slot.ids.length;
    const end = past + tokens;
    const embeds = await promptEmbeddings(
      request.ids,
      request.images,
      past,
      end,
      this.#embeddings,
      this.#config.hiddenSize,
    );
    await this.#ensureRoom(end);
    const logitRows = last ? [tokens - 1] : [];
    const graph = tokens > 1 ? "prefill" : "decode";
    const step = { graph, slots: [slot.index], tokens, embeds, lengths: [past], logitRows } as const;
    const logits = await this.#runner.run(step);
    this.#slots.assign(slot, {
      ids: request.ids.slice(0, end),
      images: request.images.map((image) => image.key),
    });
    return logits;
  }

  /** Feeds every sequence its pending token in one run. Logits [sequences, vocabulary], in their order. */
  async decode(sequences: readonly Sequence[]): Promise<Float32Array> {
    const indices = sequences.map((sequence) => sequence.slot!.index);
    // Those that take part without being asked for have embeddings of zero.
    const slots = this.#runner.rowsFor(indices);
    const rows = indices.map((index) => slots.indexOf(index));
    const embeds = this.#rows(slots.length);
    const tokens = sequences.map((sequence) => sequence.pending[0]!);
    await this.#embeddings.read(tokens, embeds, rows);
    await this.#ensureRoom(0);
    const held = this.#slots.lengths;
    const lengths = slots.map((index) => held[index]!);
    const step = { graph: "decode", slots, tokens: 1, embeds, lengths, logitRows: rows } as const;
    const logits = await this.#runner.run(step);
    for (const { slot, pending } of sequences) slot!.ids.push(pending[0]!);
    return logits;
  }

  /**
   * Feeds one sequence its pending token and a draft of what may follow. Logits [1 + draft, vocabulary]. The slot's books
   * count the pending token only: the caller adds drafted tokens that turn out right, the others are overwritten.
   * The decode graph computes them, as it does without drafts: the prefill graph may have another precision.
   */
  async verify(sequence: Sequence, draft: readonly number[]): Promise<Float32Array> {
    const slot = sequence.slot!;
    const past = slot.ids.length;
    const ids = [sequence.pending[0]!, ...draft];
    const rows = [...ids.keys()];
    const embeds = this.#rows(ids.length);
    await this.#embeddings.read(ids, embeds, rows);
    await this.#ensureRoom(past + ids.length);
    const place = { slots: [slot.index], tokens: ids.length };
    const logits = await this.#runner.run({ graph: "decode", ...place, embeds, lengths: [past], logitRows: rows });
    slot.ids.push(ids[0]!);
    return logits;
  }

  /** Feeds one sequence its pending token in a run of its own, surrounded by its observer. */
  async observed(sequence: Sequence, { observe }: ObservedSequence): Promise<void> {
    const slot = sequence.slot!;
    const past = slot.ids.length;
    const embeds = this.#rows(1);
    await this.#embeddings.read(sequence.pending, embeds, [0]);
    await this.#ensureRoom(past + 1);
    const place = { slots: [slot.index], tokens: 1 };
    const run = async (): Promise<void> => {
      await this.#runner.run({ graph: "decode", ...place, embeds, lengths: [past], logitRows: [] });
    };
    await observe(run, slot.index, past + 1);
    slot.ids.push(sequence.pending[0]!);
  }

  /** Zeros [rows, hidden]. */
  #rows(rows: number): Float32Array {
    return new Float32Array(new ArrayBuffer(rows * this.#config.hiddenSize * Float32Array.BYTES_PER_ELEMENT));
  }

  /** Room in every slot for one token more than it holds: idle rows inside a run are written there, behind their end. */
  async #ensureRoom(length: number): Promise<void> {
    const lengths = this.#slots.lengths;
    const { cache, pairsWithin = 0 } = this.#runner;
    const wanted = Math.max(length, ...lengths.map((held) => held + 1));
    await cache.ensure(lengths.length, Math.max(wanted, Math.min(wanted + 1, pairsWithin)), lengths);
  }
}
