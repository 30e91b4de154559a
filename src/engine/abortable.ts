/** @file Stops waiting when a signal fires. */

/**
 * The work's outcome, or the signal's reason if that comes first; the work itself goes on, since others may wait for it too.
 *
 * @example const features = await abortable(encoding, signal);
 */
export function abortable<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (!signal) return work;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
