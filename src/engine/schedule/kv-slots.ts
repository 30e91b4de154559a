/** @file The slots of the KV cache, one row each: which sequence has it, and which tokens it holds for another with the same prefix. */
import { IMAGE_SLOT_FIRST } from "../../processor/core.ts";

/** A sequence of token ids; `images` has the content hash of each picture in the order of its first slot. */
export interface TokenRow {
  readonly ids: readonly number[];
  readonly images: readonly string[];
}

/**
 * How many tokens two sequences share from the start. Image slots are equal only if the pictures are: ids alone would
 * let one picture's keys and values answer for another.
 */
export function commonPrefix(a: TokenRow, b: TokenRow): number {
  const limit = Math.min(a.ids.length, b.ids.length);
  let image = 0;
  for (let i = 0; i < limit; i++) {
    if (a.ids[i] !== b.ids[i]) return i;
    if (a.ids[i] !== IMAGE_SLOT_FIRST) continue;
    if (a.images[image] !== b.images[image]) return i;
    image++;
  }
  return limit;
}

/** One row of the KV cache. `ids` are the tokens whose keys and values it holds. */
export interface KvSlot extends TokenRow {
  readonly index: number;
  ids: number[];
  images: string[];
  busy: boolean;
  /** Time of the last use, in steps. */
  used: number;
}

/** Where a new sequence goes, and how much of it is there already. */
export interface Placement {
  slot: KvSlot;
  /** Tokens that need no computing. */
  cached: number;
  /** Slot to copy them from, when they are not in `slot` itself. */
  from: KvSlot | undefined;
}

/** Books of the slots; moves no data. */
export class KvSlots {
  readonly #slots: KvSlot[] = [];
  readonly #limit: number;
  #clock = 0;

  /** @param limit most sequences at a time */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get all(): readonly KvSlot[] {
    return this.#slots;
  }

  /** Tokens that each slot holds. */
  get lengths(): number[] {
    return this.#slots.map((slot) => slot.ids.length);
  }

  get full(): boolean {
    return this.#slots.length >= this.#limit && this.#slots.every((slot) => slot.busy);
  }

  /**
   * Takes a slot for `row`. The last token of a prompt is always computed anew, since its logits are needed.
   * A free slot that the sequence merely continues is used as it is; otherwise the beginning is copied into the free slot
   * that was not used for longest, so that both sequences stay known.
   * @throws Error when all slots are busy; ask `full` first.
   */
  take(row: TokenRow): Placement {
    let source: KvSlot | undefined;
    let cached = 0;
    for (const slot of this.#slots) {
      const shared = Math.min(commonPrefix(slot, row), row.ids.length - 1);
      if (shared > cached) [source, cached] = [slot, shared];
    }
    const continues = source && !source.busy && cached === source.ids.length;
    const slot = continues ? source! : (this.#free(source) ?? source!);
    if (!slot || slot.busy) throw new Error("All slots are busy.");
    slot.busy = true;
    slot.used = ++this.#clock;
    this.assign(slot, { ids: row.ids.slice(0, cached), images: row.images });
    return { slot, cached, from: source === slot ? undefined : source };
  }

  /** Says what a slot holds from now on. */
  assign(slot: KvSlot, row: TokenRow): void {
    slot.ids = [...row.ids];
    slot.images = row.images.slice(0, row.ids.filter((id) => id === IMAGE_SLOT_FIRST).length);
  }

  /** Gives a slot back; what it holds stays for whoever continues it. */
  release(slot: KvSlot): void {
    slot.busy = false;
    slot.used = ++this.#clock;
  }

  /** Forgets what a slot holds. */
  empty(slot: KvSlot): void {
    this.assign(slot, { ids: [], images: [] });
  }

  /** The free slot that will be missed least: an empty or new one first, `keep` only if there is no other. */
  #free(keep: KvSlot | undefined): KvSlot | undefined {
    const free = this.#slots.filter((slot) => !slot.busy && slot !== keep);
    const empty = free.find((slot) => slot.ids.length === 0);
    if (empty) return empty;
    if (this.#slots.length < this.#limit) {
      const slot: KvSlot = { index: this.#slots.length, ids: [], images: [], busy: false, used: 0 };
      this.#slots.push(slot);
      return slot;
    }
    return free.sort((a, b) => a.used - b.used)[0];
  }
}
