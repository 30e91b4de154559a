/** @file Many things at once with a bounded number under way: a semaphore, a list and a stream. */

/**
 * A counting semaphore.
 * @example const connections = new Semaphore(8); await connections.use(() => fetch(url));
 */
export class Semaphore {
  private readonly waiting: (() => void)[] = [];
  private free: number;

  constructor(count: number) {
    this.free = count;
  }

  /** Runs `work` when there is room; first come, first served. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The place goes straight to the next in line, so nobody can slip in between.
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    }
  }
}

/**
 * Results of `run(0)` to `run(count - 1)`, in that order, at most `width` at a time.
 * @throws the first failure, after the signal of all that were under way has fired and they have ended
 * @example await runPool(100, 8, undefined, (index, signal) => ask(questions[index]!, signal));
 */
export async function runPool<Result>(
  count: number,
  width: number,
  signal: AbortSignal | undefined,
  run: (index: number, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const stop = new AbortController();
  const shared = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const results: Result[] = new Array(count);
  let failure: { error: unknown } | undefined;
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count && !failure) {
      const index = next++;
      try {
        // A signal for each: Node takes more than ten listeners of one for a leak.
        results[index] = await run(index, AbortSignal.any([shared]));
      } catch (error) {
        failure ??= { error };
        stop.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, width) }, worker));
  if (failure) throw failure.error;
  return results;
}

/**
 * Runs an asynchronous function over a stream, several at a time, results as they come.
 * @param width calls under way at once; the source is read no further ahead than that
 * @throws what `work` or the source throws; calls under way are then left to end by themselves
 * @example for await (const size of mapConcurrent(files, 4, measure)) total += size;
 */
export async function* mapConcurrent<In, Out>(
  source: AsyncIterable<In>,
  width: number,
  work: (item: In) => Promise<Out>,
): AsyncGenerator<Out> {
  const iterator = source[Symbol.asyncIterator]();
  const running = new Map<number, Promise<{ id: number; result: Out }>>();
  let next = 0;
  let ended = false;
  try {
    for (;;) {
      while (!ended && running.size < width) {
        const step = await iterator.next();
        if (step.done) ended = true;
        else {
          const id = next++;
          const promise = work(step.value).then((result) => ({ id, result }));
          // Its failure is seen by the race below; until then it must not count as unhandled.
          promise.catch(() => {});
          running.set(id, promise);
        }
      }
      if (running.size === 0) return;
      const { id, result } = await Promise.race(running.values());
      running.delete(id);
      yield result;
    }
  } finally {
    await iterator.return?.();
  }
}
