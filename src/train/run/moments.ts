/** @file Moments between the ranks that keep pieces of them and rank 0, which alone reads and writes checkpoints. */

import { fromFirst } from "../../ranks/index.ts";
import type { Optimizer } from "../optim/optimizer.ts";

/** A tensor's first or second moments. */
export interface Moment {
  readonly name: string;
  readonly kind: "m" | "v";
}

/** Numbers that travel at a time: 256 MB, far below what one message can have. */
const PART = 64 * 1024 * 1024;

/** Moves the moments of the tensor, `length` numbers, a part at a time: from the ranks into `whole` on rank 0, or back. */
async function move(
  { ranks, shards, moments }: Optimizer,
  { name, kind }: Moment,
  length: number,
  way: "to rank 0" | "from rank 0",
  whole: Float32Array,
): Promise<void> {
  const held = Array.from({ length: ranks.size }, (_, r) => shards.piecesOf(r).find((piece) => piece.name === name));
  const mine = held[ranks.rank];
  const none = held.map(() => 0);
  for (let from = 0; from < length; from += PART) {
    const to = Math.min(length, from + PART);
    const counts = held.map((piece) =>
      piece ? Math.max(0, Math.min(piece.end, to) - Math.max(piece.start, from)) : 0,
    );
    const start = mine ? Math.max(mine.start, from) - mine.start : 0;
    const own = moments.get(name)?.[kind].subarray(start, start + counts[ranks.rank]!) ?? new Float32Array();
    const ours = none.with(0, counts[ranks.rank]!);
    const part = whole.subarray(from, to);
    const all = ranks.rank === 0 ? counts : none;
    if (way === "to rank 0") await ranks.exchange(own, ours, part, all);
    else await ranks.exchange(part, all, own, ours);
  }
}

/** Tensors' moments, whole, on rank 0, which asks for one after the other while the others answer. */
export class GatheredMoments {
  readonly #optimizer: Optimizer;
  readonly #lengthOf: (name: string) => number;

  constructor(optimizer: Optimizer, lengthOf: (name: string) => number) {
    this.#optimizer = optimizer;
    this.#lengthOf = lengthOf;
  }

  /** On rank 0. Of one process, the memory itself. */
  async whole(moment: Moment): Promise<Float32Array> {
    const { ranks, moments } = this.#optimizer;
    if (ranks.size === 1) return moments.get(moment.name)![moment.kind];
    await fromFirst<Moment | undefined>(ranks, () => moment);
    const length = this.#lengthOf(moment.name);
    const whole = new Float32Array(length);
    await move(this.#optimizer, moment, length, "to rank 0", whole);
    return whole;
  }

  /** On rank 0: the others need to answer no more. */
  async end(): Promise<void> {
    await fromFirst<Moment | undefined>(this.#optimizer.ranks, () => undefined);
  }

  /** On the other ranks: answers until rank 0 has all that it wants. */
  async answer(): Promise<void> {
    for (;;) {
      const wanted = await fromFirst<Moment | undefined>(this.#optimizer.ranks, () => undefined);
      if (!wanted) return;
      await move(this.#optimizer, wanted, this.#lengthOf(wanted.name), "to rank 0", new Float32Array());
    }
  }
}

/** Gives each rank its piece of what rank 0 has read. @param whole read on rank 0 alone */
export async function scatterMoments(optimizer: Optimizer, moment: Moment, length: number, whole: Float32Array) {
  await move(optimizer, moment, length, "from rank 0", whole);
}

/** Gives every rank what rank 0 has in `data`. */
export async function spread({ ranks }: Pick<Optimizer, "ranks">, data: Float32Array): Promise<void> {
  for (let from = 0; from < data.length; from += PART) {
    const part = data.subarray(from, from + PART);
    const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    const given = await ranks.broadcast(bytes);
    if (ranks.rank > 0) bytes.set(given);
  }
}
