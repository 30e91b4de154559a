/** @file Runs many requests with a bounded number under way. */
import { setMaxListeners } from "node:events";

/**
 * Results of `run(0)` to `run(count - 1)`, in that order, at most `width` at a time.
 * @throws the first failure; the signal that the others were given aborts with it
 * @example await runPool(100, 8, undefined, (index, signal) => ask(questions[index]!, signal));
 */
export async function runPool<Result>(
  count: number,
  width: number,
  signal: AbortSignal | undefined,
  run: (index: number, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const failed = new AbortController();
  const shared = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  // Every request under way listens; more than ten are no leak.
  setMaxListeners(Number.POSITIVE_INFINITY, shared);
  const results: Result[] = new Array(count);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      results[index] = await run(index, shared);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(count, width) }, worker));
    return results;
  } catch (error) {
    failed.abort(error);
    throw error;
  }
}
