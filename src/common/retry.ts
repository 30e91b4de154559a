/** @file Repeats what failed for a passing reason, waiting longer each time. */

/** What an error that may pass says beside its message. */
export interface Passing {
  /** What the other side asked for. */
  readonly waitMs?: number;
  /** Something was achieved before the failure, so that failures are counted anew. */
  readonly progressed?: boolean;
}

export interface RetryOptions {
  /** Failures in a row until the last one is thrown. */
  tries: number;
  /** Doubles with each failure. */
  firstWaitMs: number;
  longestWaitMs: number;
  signal?: AbortSignal;
  /** Replaced in tests, as is `random`. */
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
  random?: () => number;
}

/**
 * Runs `attempt` until it succeeds, fails for good, or has failed `tries` times in a row without progress.
 * @param passing undefined for an error that will not pass
 * @throws the last error; the signal's reason when it fires
 * @example await retry(() => ask(url), (e) => (e instanceof Busy ? e : undefined), { tries: 5, firstWaitMs: 500, longestWaitMs: 60_000 });
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  passing: (error: unknown) => Passing | undefined,
  { tries, firstWaitMs, longestWaitMs, signal, sleep = sleepFor, random = Math.random }: RetryOptions,
): Promise<T> {
  for (let failures = 0; ; ) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      const found = passing(error);
      if (!found) throw error;
      failures = found.progressed ? 1 : failures + 1;
      if (failures >= tries) throw error;
      // Half of each wait is random, so that many processes do not come back at the same moment.
      const backOff = Math.min(firstWaitMs * 2 ** (failures - 1), longestWaitMs) * (0.5 + random() / 2);
      await sleep(found.waitMs === undefined ? backOff : Math.min(found.waitMs, longestWaitMs), signal).catch(
        (interrupted: unknown) => {
          signal?.throwIfAborted(); // the caller's own reason says more than "aborted"
          throw interrupted;
        },
      );
    }
  }
}

/** Retry-After in seconds or as a date; undefined where it says nothing usable. */
export function retryAfterMs(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}

const sleepFor = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
