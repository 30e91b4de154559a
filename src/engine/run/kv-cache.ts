/** @file What the decoder needs of a KV cache, wherever its memory is; and how its memory grows. */
import type { CacheType } from "../../model/index.ts";
import type { DeviceTensor, Tensor } from "../../runtime/index.ts";

/** Cache tensors of one decoder layer. */
export interface LayerTensors<T = Tensor | DeviceTensor> {
  key: T;
  value: T;
}

/**
 * Keys and values of all sequences: `[slots, kvHeads, capacity, headDim]` for each layer. Only lengths that the caller names are
 * ever copied; what lies behind a row's length is garbage that the next append overwrites.
 */
export interface KvCache {
  /** What the numbers are. */
  readonly dtype: CacheType;
  readonly slots: number;
  /** Tokens that each slot has room for. */
  readonly capacity: number;
  /** What the cache grows to at most. */
  readonly most: Readonly<CacheSize>;
  /** Bytes of all buffers. */
  readonly bytes: number;
  /** Changes whenever the buffers do: tensors made before are stale then. */
  readonly version: number;
  /** Whether a run over several neighbouring slots may begin with any of them; otherwise it begins with slot 0. */
  readonly anyFirst: boolean;
  /**
   * Makes room for `slots` rows of `capacity` tokens, keeping the first `lengths[slot]` tokens of each row.
   * @throws RangeError when a row would be longer than the context.
   */
  ensure(slots: number, capacity: number, lengths: readonly number[]): Promise<void>;
  /** Tensors `[count, kvHeads, capacity, headDim]` of neighbouring slots for a run, between `open` and `close`. */
  rows(first: number, count: number): LayerTensors[];
  /** To be called before a run over `rows(first, count)`, of which each row holds `past` tokens that the run will read. */
  open(first: number, count: number, past: number): Promise<void>;
  /** To be called after such a run, which appended the tokens from `past` to `end`. */
  close(first: number, count: number, past: number, end: number): Promise<void>;
  /** Copies the first `length` tokens of one slot into another. */
  copy(from: number, to: number, length: number): Promise<void>;
  /** The first `length` keys of a slot in every layer, [1, kvHeads, at least length, headDim]. */
  keys(slot: number, length: number): Promise<Tensor[]>;
  /** Gives the memory back; the cache is of no use then. */
  dispose(): Promise<void>;
}

/** How the room for each sequence grows. Growing copies what the cache holds. */
export interface Growth {
  /** Room grows in multiples of this many tokens. */
  step: number;
  /** By at least this factor. */
  factor: number;
  /** Room left behind what is asked for: an answer follows a prompt, and its first tokens should not wait for a copy. */
  headroom: number;
}

/**
 * Where runs use the cache in place: steps small enough to waste little and large enough to copy seldom, and a factor that
 * keeps the copying of a long answer linear in its length.
 */
export const IN_PLACE: Growth = { step: 256, factor: 1.5, headroom: 128 };

/** Where every run copies the cache in and out: empty room costs more than growing does. */
export const COPIED: Growth = { step: 64, factor: 1, headroom: 32 };

export interface CacheSize {
  slots: number;
  capacity: number;
}

/**
 * The size that a cache grows to for `wanted`; undefined when it is large enough. Rows come in doublings, so that joining
 * sequences seldom wait for a copy.
 * @throws RangeError when a row would be longer than `most` allows
 */
export function grownSize(
  now: CacheSize,
  wanted: CacheSize,
  most: CacheSize,
  { step, factor, headroom }: Growth,
): CacheSize | undefined {
  if (wanted.slots <= now.slots && wanted.capacity <= now.capacity) return undefined;
  if (wanted.capacity > most.capacity)
    throw new RangeError(
      `The KV cache holds at most ${most.capacity} tokens per sequence; ${wanted.capacity} were asked for.`,
    );
  const doubled = wanted.slots > now.slots ? Math.min(2 * now.slots, most.slots) : now.slots;
  let capacity = now.capacity;
  if (wanted.capacity > now.capacity) {
    const grown = Math.max(wanted.capacity + headroom, Math.ceil(now.capacity * factor));
    capacity = Math.min(most.capacity, Math.ceil(grown / step) * step);
  }
  return { slots: Math.max(wanted.slots, doubled), capacity };
}
