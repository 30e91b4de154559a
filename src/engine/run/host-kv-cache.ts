/** @file Keys and values of all sequences in the CPU's memory, one row per slot, in buffers that the decoder appends to in place. */
import type { CacheType, DecoderConfig } from "../../model/index.ts";
import { bytesOf, createTensor, type Tensor, wrapTensor } from "../../runtime/index.ts";
import { type CacheSize, type Growth, grownSize, IN_PLACE, type KvCache, type LayerTensors } from "./kv-cache.ts";

/** float16 as its bits: Node 20 has no array of them. */
type CacheData = Float32Array | Uint16Array;

/** A KV cache whose rows are plain memory: any neighbours are a tensor, and nothing waits for anything. */
export class HostKvCache implements KvCache {
  readonly dtype: CacheType;
  readonly anyFirst = true;
  readonly most: CacheSize;
  readonly #config: DecoderConfig;
  readonly #growth: Growth;
  #layers: { key: CacheData; value: CacheData }[] = [];
  #size: CacheSize = { slots: 0, capacity: 0 };
  version = 0;

  /**
   * @param maxCapacity longest sequence ever stored: the model's context
   * @param maxSlots most sequences at a time
   * @param dtype what the graphs take: `cacheType` of their sessions
   */
  constructor(
    config: DecoderConfig,
    maxCapacity: number,
    maxSlots = 1,
    dtype: CacheType = "float32",
    growth: Growth = IN_PLACE,
  ) {
    this.#config = config;
    this.#growth = growth;
    this.dtype = dtype;
    this.most = { slots: maxSlots, capacity: maxCapacity };
  }

  get slots(): number {
    return this.#size.slots;
  }

  get capacity(): number {
    return this.#size.capacity;
  }

  get bytes(): number {
    return this.#layers.reduce((sum, { key, value }) => sum + key.byteLength + value.byteLength, 0);
  }

  async ensure(slots: number, capacity: number, lengths: readonly number[]): Promise<void> {
    const size = grownSize(this.#size, { slots, capacity }, this.most, this.#growth);
    if (!size) return;
    const { kvHeads, headDim, layers } = this.#config;
    const grow = (old: CacheData | undefined): CacheData => {
      const fresh = createTensor(this.dtype, [size.slots, kvHeads, size.capacity, headDim]).data as CacheData;
      if (!old) return fresh;
      for (let slot = 0; slot < this.slots; slot++) {
        const used = (lengths[slot] ?? 0) * headDim;
        if (used === 0) continue;
        for (let head = 0; head < kvHeads; head++) {
          const row = slot * kvHeads + head;
          const from = row * this.capacity * headDim;
          fresh.set(old.subarray(from, from + used), row * size.capacity * headDim);
        }
      }
      return fresh;
    };
    // All new buffers before any old one goes: if memory runs out here, the cache is as it was.
    const none = { key: undefined, value: undefined };
    this.#layers = Array.from({ length: layers }, (_, layer) => {
      const { key, value } = this.#layers[layer] ?? none;
      return { key: grow(key), value: grow(value) };
    });
    this.#size = size;
    this.version++;
  }

  /** Nothing is copied: the tensors are views. */
  rows(first: number, count: number): LayerTensors<Tensor>[] {
    const { kvHeads, headDim } = this.#config;
    const dims = [count, kvHeads, this.capacity, headDim];
    const offset = first * kvHeads * this.capacity * headDim * bytesOf(this.dtype);
    const over = (buffer: CacheData) => wrapTensor(this.dtype, dims, buffer.buffer, offset);
    return this.#layers.map(({ key, value }) => ({ key: over(key), value: over(value) }));
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async copy(from: number, to: number, length: number): Promise<void> {
    const { kvHeads, headDim } = this.#config;
    const row = this.capacity * headDim;
    for (const { key, value } of this.#layers) {
      for (const buffer of [key, value]) {
        for (let head = 0; head < kvHeads; head++) {
          const source = (from * kvHeads + head) * row;
          buffer.copyWithin((to * kvHeads + head) * row, source, source + length * headDim);
        }
      }
    }
  }

  async keys(slot: number): Promise<Tensor[]> {
    return this.rows(slot, 1).map(({ key }) => key);
  }

  async dispose(): Promise<void> {
    this.#layers = [];
    this.#size = { slots: 0, capacity: 0 };
  }
}
