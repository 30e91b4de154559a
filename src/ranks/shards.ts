/** @file Tensors as one long line of numbers, cut into a part for each rank that it alone keeps moments for and updates. */

/** Places where a tensor may be cut, and how many numbers a sum of squares takes together: both follow from no number of ranks. */
export const BLOCK = 16384;

export interface ShardedTensor {
  readonly name: string;
  readonly length: number;
  /** It is not cut: its update needs all of it. */
  readonly whole?: boolean;
}

/** Part of a tensor, numbers `start` to `end - 1`, and where it lies on the line. */
export interface Piece {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly at: number;
}

/** Who keeps what. */
export class Shards {
  /** Numbers of all tensors. */
  readonly total: number;
  /** Rank r has the numbers `cuts[r]` to `cuts[r + 1] - 1` of the line. */
  readonly cuts: readonly number[];
  readonly #tensors: readonly (ShardedTensor & { readonly at: number })[];

  constructor(tensors: readonly ShardedTensor[], ranks: number) {
    let at = 0;
    this.#tensors = tensors.map((tensor) => {
      const placed = { ...tensor, at };
      at += tensor.length;
      return placed;
    });
    this.total = at;
    this.cuts = Array.from({ length: ranks + 1 }, (_, r) => this.#cutNear((at * r) / ranks));
  }

  /** The place nearest to `wanted` where the line may be cut. */
  #cutNear(wanted: number): number {
    const tensor = this.#tensors.find(({ at, length }) => wanted < at + length);
    if (!tensor) return this.total;
    const each = tensor.whole ? tensor.length : BLOCK;
    const inside = Math.round((wanted - tensor.at) / each) * each;
    return tensor.at + Math.min(inside, tensor.length);
  }

  /** Numbers of a rank's part. */
  sizeOf(rank: number): number {
    return this.cuts[rank + 1]! - this.cuts[rank]!;
  }

  /** The tensors' parts between two places of the line, in order. */
  pieces(from: number, to: number): Piece[] {
    return this.#tensors.flatMap(({ name, at, length }) => {
      const [start, end] = [Math.max(from - at, 0), Math.min(to - at, length)];
      return start < end ? [{ name, start, end, at: at + start }] : [];
    });
  }

  /** What of each tensor is a rank's. */
  piecesOf(rank: number): Piece[] {
    return this.pieces(this.cuts[rank]!, this.cuts[rank + 1]!);
  }
}
