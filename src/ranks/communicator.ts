/** @file Ranks: processes that do one piece of work together, and what they can tell each other. */

import { hostname } from "node:os";

/**
 * What one rank has of the others. Every rank makes the same calls in the same order, one at a time; each call ends when the
 * others have made theirs.
 */
export interface Communicator {
  /** Number of this process, from 0. */
  readonly rank: number;
  /** Number of processes. */
  readonly size: number;
  /** What carries the messages, with its version. */
  readonly library: string;
  /**
   * Sends a part of `send` to each rank and receives a part from each: the parts lie one after the other in the order of the
   * ranks, `sent[r]` numbers for rank r and `received[r]` from it. The buffers are untouched by others until it ends.
   */
  exchange(
    send: Float32Array,
    sent: readonly number[],
    receive: Float32Array,
    received: readonly number[],
  ): Promise<void>;
  /** Gives `own` to all, and receives what each rank gave into `all`, in the order of the ranks, `counts[r]` numbers from rank r. */
  share(own: Float32Array, all: Float32Array, counts: readonly number[]): Promise<void>;
  /** Bytes of every rank on every rank, in the order of the ranks. @throws RangeError for 2 GiB together or more */
  gather(bytes: Uint8Array): Promise<Uint8Array[]>;
  /** The bytes that rank 0 gives; what the others give is not read. @throws RangeError for 2 GiB or more */
  broadcast(bytes?: Uint8Array): Promise<Uint8Array>;
  /** Ends when every rank has come here. */
  barrier(): Promise<void>;
  /** Ends all ranks at once. @param code exit code of the job */
  abort(code: number): void;
  /** Takes leave of the others, which must do so too. */
  close(): Promise<void>;
}

/** One process by itself: every call is answered by its own part. */
export const alone: Communicator = {
  rank: 0,
  size: 1,
  library: "one process",
  async exchange(send, _, receive) {
    receive.set(send.subarray(0, receive.length));
  },
  async share(own, all) {
    all.set(own);
  },
  gather: async (bytes) => [bytes],
  broadcast: async (bytes = new Uint8Array()) => bytes,
  async barrier() {},
  abort(code) {
    process.exit(code);
  },
  async close() {},
};

/** Ranks that do not agree, or a job that was not started as it should be. */
export class RanksError extends Error {
  override readonly name = "RanksError";
  /** Every rank has thrown it: one needs to say it. */
  readonly everywhere: boolean;

  constructor(message: string, { everywhere = false } = {}) {
    super(message);
    this.everywhere = everywhere;
  }
}

/** How a process is named in messages. @example "rank 1 of 4 (node-b)" */
export const nameOfRank = ({ rank, size }: { rank: number; size: number }, host = hostname()): string =>
  `rank ${rank} of ${size} (${host})`;
