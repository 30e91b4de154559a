/** @file Runs an asynchronous function over a stream, several at a time, results as they come. */

/**
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
