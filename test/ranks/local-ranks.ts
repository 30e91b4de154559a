/** @file Ranks inside one process, for tests: what MPI does between processes, done between promises. */

import type { Communicator } from "../../src/ranks/index.ts";

interface Meeting {
  readonly what: string;
  readonly given: unknown[];
  arrived: number;
  readonly done: PromiseWithResolvers;
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((yes, no) => {
    [resolve, reject] = [yes, no];
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

const startsOf = (counts: readonly number[]): number[] => {
  let at = 0;
  return counts.map((count) => {
    at += count;
    return at - count;
  });
};

/** Ranks that meet in this process; each rank's n-th call meets the others' n-th, which must be of the same kind. */
export function localRanks(size: number): Communicator[] {
  const meetings: Meeting[] = [];
  let ended: Error | undefined;
  return Array.from({ length: size }, (_, rank): Communicator => {
    let calls = 0;
    const meet = async <T>(what: string, own: T): Promise<readonly T[]> => {
      if (ended) throw ended;
      const number = calls++;
      meetings[number] ??= { what, given: [], arrived: 0, done: withResolvers() };
      const meeting = meetings[number];
      if (meeting.what !== what) throw new Error(`rank ${rank} came to ${what}, the others are at ${meeting.what}`);
      meeting.given[rank] = own;
      if (++meeting.arrived === size) meeting.done.resolve();
      await meeting.done.promise;
      return meeting.given as T[];
    };
    return {
      rank,
      size,
      library: "one process",
      async exchange(send, sent, receive, received) {
        const starts = startsOf(sent);
        const parts = sent.map((count, r) => send.slice(starts[r], starts[r]! + count));
        let at = 0;
        for (const [from, given] of (await meet("exchange", parts)).entries()) {
          const part = given[rank]!;
          if (part.length !== received[from])
            throw new Error(`rank ${from} sent ${part.length} numbers, rank ${rank} expected ${received[from]}`);
          receive.set(part, at);
          at += part.length;
        }
      },
      async share(own, all, counts) {
        const starts = startsOf(counts);
        for (const [from, part] of (await meet("share", own.slice(0, counts[rank]))).entries())
          all.set(part, starts[from]);
      },
      gather: async (bytes) => [...(await meet("gather", bytes))],
      broadcast: async (bytes = new Uint8Array()) => (await meet("broadcast", bytes.slice()))[0]!,
      async barrier() {
        await meet("barrier", undefined);
      },
      abort(code) {
        ended = new Error(`rank ${rank} ended the job with code ${code}`);
        for (const { done } of meetings) done.reject(ended);
      },
      async close() {
        await meet("close", undefined);
      },
    };
  });
}

/** Does `work` as each of `size` ranks. A rank that fails ends the others. @throws what failed first */
export async function asRanks<T>(size: number, work: (ranks: Communicator) => Promise<T>): Promise<T[]> {
  let first: unknown;
  const results = await Promise.allSettled(
    localRanks(size).map(async (ranks) => {
      try {
        return await work(ranks);
      } catch (error) {
        first ??= error;
        ranks.abort(1);
        throw error;
      }
    }),
  );
  if (first !== undefined) throw first;
  return results.map((result) => (result as PromiseFulfilledResult<T>).value);
}
