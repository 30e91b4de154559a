/** @file How often, and for how long, the hub's passing troubles are put up with. */
import { retry as repeat } from "../common/index.ts";
import { HubError } from "./errors.ts";
import { type Hub, TemporaryError } from "./hub-http.ts";

/** Waits of 0.5, 1, 2, 4, 8 s between six tries: long enough for a restart of a proxy, short enough to wait for. */
const TRIES = 6;
const FIRST_WAIT_MS = 500;
/** No server's wish is granted for longer; a user would rather see an error. */
const LONGEST_WAIT_MS = 5 * 60_000;

/**
 * Runs `attempt` until it succeeds, fails for good, or has failed `tries` times in a row without progress.
 *
 * @throws HubError "network" after the last try; whatever else `attempt` throws at once
 */
export async function retry<T>(hub: Hub, what: string, attempt: () => Promise<T>, tries = TRIES): Promise<T> {
  const { signal, system } = hub;
  try {
    return await repeat(attempt, (error) => (error instanceof TemporaryError ? error : undefined), {
      tries,
      firstWaitMs: FIRST_WAIT_MS,
      longestWaitMs: LONGEST_WAIT_MS,
      signal,
      sleep: (ms, stop) => system.sleep(ms, stop),
      random: () => system.random(),
    });
  } catch (error) {
    if (!(error instanceof TemporaryError)) throw error;
    throw new HubError(
      "network",
      `${what}: ${error.message}; gave up after ${tries} ${tries === 1 ? "try" : "tries"}`,
      { cause: error },
    );
  }
}
