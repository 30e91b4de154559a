/** @file Keys and values of all sequences in a GPU's memory, which only graphs can reach. */
import { serialize } from "../../graph/index.ts";
import { type CacheType, type DecoderConfig, moveRowsGraph, readKeysGraph } from "../../model/index.ts";
import {
  bytesOf,
  createTensor,
  type DeviceMemory,
  type DeviceTensor,
  type Runtime,
  type Session,
  type Tensor,
} from "../../runtime/index.ts";
import { type CacheSize, grownSize, IN_PLACE, type KvCache, type LayerTensors } from "./kv-cache.ts";

/** Keys and values of all layers, one after the other: buffers [slots, kvHeads, capacity, headDim]. */
interface Buffers extends CacheSize {
  readonly memory: readonly DeviceMemory[];
}

const NONE: Buffers = { slots: 0, capacity: 0, memory: [] };

/**
 * A KV cache on the device of the decoder's sessions. Tensors there begin where their memory does, so the rows of slot 0 and
 * those after it can be bound, but not those of slot 3 alone: a slot that is run alone is lent a row of its own. Its past is
 * copied there once; what was appended there is copied back when anybody wants to see it in its place.
 */
export class DeviceKvCache implements KvCache {
  readonly dtype: CacheType;
  readonly anyFirst = false;
  readonly most: CacheSize;
  readonly #runtime: Runtime;
  readonly #config: DecoderConfig;
  readonly #decoder: Session;
  readonly #mover: Session;
  #reader: Session | undefined;
  #all = NONE;
  /** One row for runs over a slot that is not the first. */
  #single = NONE;
  /** Whose row that is, and which of its tokens are newer there than in their place. */
  #lent: { slot: number; from: number; to: number } | undefined;
  version = 0;

  /**
   * @param decoder a session over the cache: its device is the cache's
   * @param most longest sequence ever stored, and most sequences at a time
   * @example const cache = await DeviceKvCache.open(runtime, config, sessions.decode, { slots: 4, capacity: 4096 }, "float16");
   */
  static async open(
    runtime: Runtime,
    config: DecoderConfig,
    decoder: Session,
    most: CacheSize,
    dtype: CacheType,
  ): Promise<DeviceKvCache> {
    const { bytes } = serialize(moveRowsGraph(config, dtype), "inputs");
    const mover = await runtime.createSession(bytes, { device: decoder.device });
    return new DeviceKvCache(runtime, config, decoder, mover, most, dtype);
  }

  private constructor(
    runtime: Runtime,
    config: DecoderConfig,
    decoder: Session,
    mover: Session,
    most: CacheSize,
    dtype: CacheType,
  ) {
    this.#runtime = runtime;
    this.#config = config;
    this.#decoder = decoder;
    this.#mover = mover;
    this.most = most;
    this.dtype = dtype;
  }

  get slots(): number {
    return this.#all.slots;
  }

  get capacity(): number {
    return this.#all.capacity;
  }

  get bytes(): number {
    return [this.#all, this.#single].reduce((sum, { memory }) => sum + memory.reduce((own, m) => own + m.bytes, 0), 0);
  }

  async ensure(slots: number, capacity: number, lengths: readonly number[]): Promise<void> {
    const size = grownSize(this.#all, { slots, capacity }, this.most, IN_PLACE);
    if (!size) return;
    await this.#takeBack();
    const grown = await this.#allocate(size);
    let single = NONE;
    try {
      if (size.slots > 1) single = await this.#allocate({ slots: 1, capacity: size.capacity });
      for (let slot = 0; slot < this.slots; slot++)
        await this.#move(this.#all, slot, grown, slot, 0, lengths[slot] ?? 0);
    } catch (error) {
      await release(grown);
      await release(single);
      throw error;
    }
    const old = [this.#all, this.#single];
    this.#all = grown;
    this.#single = single;
    this.version++;
    for (const buffers of old) await release(buffers);
  }

  rows(first: number, count: number): LayerTensors<DeviceTensor>[] {
    if (first > 0 && count > 1) throw new RangeError(`Rows ${first} to ${first + count} do not begin with slot 0.`);
    const { memory } = first === 0 ? this.#all : this.#single;
    const { kvHeads, headDim, layers } = this.#config;
    const dims = [count, kvHeads, this.capacity, headDim];
    const over = (at: number): DeviceTensor => ({ dtype: this.dtype, dims, memory: memory[at]! });
    return Array.from({ length: layers }, (_, layer) => ({ key: over(2 * layer), value: over(2 * layer + 1) }));
  }

  async open(first: number, count: number, past: number): Promise<void> {
    if (first === 0) {
      if (this.#lent && this.#lent.slot < count) await this.#takeBack();
      return;
    }
    if (this.#lent?.slot === first) return;
    await this.#takeBack();
    await this.#move(this.#all, first, this.#single, 0, 0, past);
    this.#lent = { slot: first, from: past, to: past };
  }

  async close(first: number, _count: number, past: number, end: number): Promise<void> {
    if (first === 0) return;
    const { from } = this.#lent!;
    // Tokens behind `end` belong to nobody: the sequence was cut back to `past` before.
    this.#lent = { slot: first, from: Math.min(from, past), to: end };
  }

  async copy(from: number, to: number, length: number): Promise<void> {
    if (this.#lent?.slot === to) this.#lent = undefined;
    if (this.#lent?.slot === from) await this.#takeBack();
    await this.#move(this.#all, from, this.#all, to, 0, length);
  }

  async keys(slot: number, length: number): Promise<Tensor[]> {
    await this.#takeBack();
    const { kvHeads, headDim, layers } = this.#config;
    const { device } = this.#decoder;
    this.#reader ??= await this.#runtime.createSession(
      serialize(readKeysGraph(this.#config, this.dtype), "inputs").bytes,
      { device },
    );
    const reader = this.#reader;
    reader.bindInput("from", this.#places(this.#all, slot, 0, length));
    const read = Array.from({ length: layers }, (_, layer) => {
      reader.bindInput(`source.${layer}`, this.#asRows(this.#all, 2 * layer));
      const tensor = createTensor("float32", [kvHeads * length, headDim]);
      reader.bindOutput(`read.${layer}`, tensor);
      return { ...tensor, dims: [1, kvHeads, length, headDim] };
    });
    await reader.run();
    return read;
  }

  async dispose(): Promise<void> {
    const all = [this.#all, this.#single];
    this.#all = NONE;
    this.#single = NONE;
    for (const buffers of all) await release(buffers);
    await Promise.all([this.#mover.dispose(), this.#reader?.dispose()]);
  }

  /** Ends the lending of the single row: what was appended there goes to its place. */
  async #takeBack(): Promise<void> {
    if (!this.#lent) return;
    const { slot, from, to } = this.#lent;
    await this.#move(this.#single, 0, this.#all, slot, from, to);
    this.#lent = undefined;
  }

  async #allocate({ slots, capacity }: CacheSize): Promise<Buffers> {
    const { kvHeads, headDim, layers } = this.#config;
    const bytes = slots * kvHeads * capacity * headDim * bytesOf(this.dtype);
    const memory: DeviceMemory[] = [];
    try {
      for (let i = 0; i < 2 * layers; i++) memory.push(await this.#decoder.allocate(bytes));
    } catch (error) {
      await release({ slots, capacity, memory });
      throw error;
    }
    return { slots, capacity, memory };
  }

  /** Copies the tokens `start` to `end` of one row to the same places of another. */
  async #move(source: Buffers, from: number, target: Buffers, to: number, start: number, end: number): Promise<void> {
    if (end <= start) return;
    const mover = this.#mover;
    mover.bindInput("from", this.#places(source, from, start, end));
    const places = this.#places(target, to, start, end);
    mover.bindInput("to", { ...places, dims: [places.dims[0]!, 1] });
    for (let i = 0; i < 2 * this.#config.layers; i++) {
      const there = this.#asRows(target, i);
      mover.bindInput(`source.${i}`, this.#asRows(source, i));
      mover.bindInput(`target.${i}`, there);
      mover.bindOutput(`moved.${i}`, there);
    }
    await mover.run();
  }

  /** Where the tokens `start` to `end` of a slot are among the rows of a buffer, head by head. */
  #places({ capacity }: Buffers, slot: number, start: number, end: number): Tensor {
    const { kvHeads } = this.#config;
    const places = createTensor("int64", [kvHeads * (end - start)]);
    let at = 0;
    for (let head = 0; head < kvHeads; head++)
      for (let token = start; token < end; token++)
        (places.data as BigInt64Array)[at++] = BigInt((slot * kvHeads + head) * capacity + token);
    return places;
  }

  #asRows({ slots, capacity, memory }: Buffers, at: number): DeviceTensor {
    const { kvHeads, headDim } = this.#config;
    return { dtype: this.dtype, dims: [slots * kvHeads * capacity, headDim], memory: memory[at]! };
  }
}

async function release({ memory }: Buffers): Promise<void> {
  for (const one of memory) await one.release();
}
