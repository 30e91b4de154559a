/** @file Many things at once: a limit on their number, and what happens when one of them fails. */
import type { Hub } from "./hub-http.ts";

/**
 * A counting semaphore.
 *
 * @example const slots = new Slots(8); await slots.use(() => fetch(url));
 */
export class Slots {
  private readonly waiting: (() => void)[] = [];
  private free: number;

  constructor(count: number) {
    this.free = count;
  }

  /** Runs `work` when a slot is free; first come, first served. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The slot goes straight to the next in line, so nobody can slip in between.
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    }
  }
}

/**
 * Runs `work` for all items at once; after the first failure the others are stopped through their hub's signal, all are
 * waited for, and that failure is thrown.
 */
export async function allOrStop<T>(
  hub: Hub,
  items: readonly T[],
  work: (hub: Hub, item: T) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const signal = hub.signal ? AbortSignal.any([hub.signal, stop.signal]) : stop.signal;
  let failure: { error: unknown } | undefined;
  await Promise.all(
    items.map((item) =>
      work({ ...hub, signal }, item).catch((error: unknown) => {
        failure ??= { error };
        stop.abort(error);
      }),
    ),
  );
  if (failure) throw failure.error;
}
