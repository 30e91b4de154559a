/** @file Keys and values of all sequences, one row per slot, in buffers that the decoder appends to in place. */
import type { CacheType, DecoderConfig } from "../../model/index.ts";
import { bytesOf, createTensor, type Tensor, wrapTensor } from "../runtime/index.ts";

/** Rows per sequence grow in multiples of this: small enough to waste little, large enough to copy seldom. */
const STEP = 256;
/** Growing by at least this factor keeps the copying of a long answer linear in its length. */
const GROWTH = 1.5;

/** Room left behind what is asked for: an answer follows a prompt, and its first tokens should not wait for a copy. */
const HEADROOM = 128;

/** float16 as its bits: Node 20 has no array of them. */
type CacheData = Float32Array | Uint16Array;

/** Cache tensors of one decoder layer. */
export interface LayerTensors {
  key: Tensor;
  value: Tensor;
}

/**
 * Buffers `[slots, kvHeads, capacity, headDim]` for keys and values of each layer. Only lengths that the caller names are
 * ever copied; what lies behind a row's length is garbage that the next append overwrites.
 */
export class KvCache {
  readonly #config: DecoderConfig;
  readonly #maxCapacity: number;
  readonly #maxSlots: number;
  /** What the numbers are. */
  readonly dtype: CacheType;
  #layers: { key: CacheData; value: CacheData }[] = [];
  #slots = 0;
  #capacity = 0;
  /** Changes whenever the buffers do: tensors made before are stale then. */
  version = 0;

  /**
   * @param maxCapacity longest sequence ever stored: the model's context
   * @param maxSlots most sequences at a time; rows for them come in doublings, so that joining sequences seldom wait for a copy
   * @param dtype what the graphs take: `cacheType` of their sessions
   */
  constructor(config: DecoderConfig, maxCapacity: number, maxSlots = 1, dtype: CacheType = "float32") {
    this.#config = config;
    this.dtype = dtype;
    this.#maxCapacity = maxCapacity;
    this.#maxSlots = maxSlots;
  }

  get slots(): number {
    return this.#slots;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Bytes of all buffers. */
  get bytes(): number {
    return this.#layers.reduce((sum, { key, value }) => sum + key.byteLength + value.byteLength, 0);
  }

  /**
   * Makes room for `slots` rows of `capacity` tokens, keeping the first `lengths[slot]` tokens of each row.
   * @throws RangeError when a row would be longer than the context.
   */
  ensure(slots: number, capacity: number, lengths: readonly number[]): void {
    if (slots <= this.#slots && capacity <= this.#capacity) return;
    if (capacity > this.#maxCapacity) {
      throw new RangeError(
        `The KV cache holds at most ${this.#maxCapacity} tokens per sequence; ${capacity} were asked for.`,
      );
    }
    const { kvHeads, headDim, layers } = this.#config;
    const doubled = slots > this.#slots ? Math.min(2 * this.#slots, this.#maxSlots) : this.#slots;
    const newSlots = Math.max(slots, doubled);
    let newCapacity = this.#capacity;
    if (capacity > this.#capacity) {
      const grown = Math.max(capacity + HEADROOM, Math.ceil(this.#capacity * GROWTH));
      newCapacity = Math.min(this.#maxCapacity, Math.ceil(grown / STEP) * STEP);
    }
    const grow = (old: CacheData | undefined): CacheData => {
      const fresh = createTensor(this.dtype, [newSlots, kvHeads, newCapacity, headDim]).data as CacheData;
      if (!old) return fresh;
      for (let slot = 0; slot < this.#slots; slot++) {
        const used = (lengths[slot] ?? 0) * headDim;
        if (used === 0) continue;
        for (let head = 0; head < kvHeads; head++) {
          const row = slot * kvHeads + head;
          const from = row * this.#capacity * headDim;
          fresh.set(old.subarray(from, from + used), row * newCapacity * headDim);
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
    this.#slots = newSlots;
    this.#capacity = newCapacity;
    this.version++;
  }

  /** Tensors `[count, kvHeads, capacity, headDim]` over the rows of neighbouring slots; nothing is copied. */
  rows(first: number, count: number): LayerTensors[] {
    const { kvHeads, headDim } = this.#config;
    const dims = [count, kvHeads, this.#capacity, headDim];
    const offset = first * kvHeads * this.#capacity * headDim * bytesOf(this.dtype);
    const over = (buffer: CacheData) => wrapTensor(this.dtype, dims, buffer.buffer, offset);
    return this.#layers.map(({ key, value }) => ({ key: over(key), value: over(value) }));
  }

  /** Copies the first `length` tokens of one slot into another. */
  copy(from: number, to: number, length: number): void {
    const { kvHeads, headDim } = this.#config;
    const row = this.#capacity * headDim;
    for (const { key, value } of this.#layers) {
      for (const buffer of [key, value]) {
        for (let head = 0; head < kvHeads; head++) {
          const source = (from * kvHeads + head) * row;
          buffer.copyWithin((to * kvHeads + head) * row, source, source + length * headDim);
        }
      }
    }
  }
}
