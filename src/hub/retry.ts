/** @file Repeats what failed for a passing reason, waiting longer each time. */
import { HubError } from "./errors.ts";
import { type Hub, TemporaryError } from "./hub-http.ts";

/** Waits of 0.5, 1, 2, 4, 8 s between six tries: long enough for a restart of a proxy, short enough to wait for. */
const TRIES = 6;
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 30_000;

/**
 * Runs `attempt` until it succeeds, fails for good, or has failed `tries` times in a row without progress.
 *
 * @throws HubError "network" after the last try; whatever else `attempt` throws at once
 */
export async function retry<T>(hub: Hub, what: string, attempt: () => Promise<T>, tries = TRIES): Promise<T> {
  for (let failures = 0; ; ) {
    hub.signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      failures = error.progressed ? 1 : failures + 1;
      if (failures >= tries)
        throw new HubError(
          "network",
          `${what}: ${error.message}; gave up after ${tries} ${tries === 1 ? "try" : "tries"}`,
          { cause: error },
        );
      // Half of each wait is random, so that many processes do not come back at the same moment.
      const backOff = Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), MAX_WAIT_MS) * (0.5 + hub.system.random() / 2);
      await hub.system.sleep(error.waitMs ?? backOff, hub.signal).catch((interrupted: unknown) => {
        hub.signal?.throwIfAborted(); // the caller's own reason says more than "aborted"
        throw interrupted;
      });
    }
  }
}
