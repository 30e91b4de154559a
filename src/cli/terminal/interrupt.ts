/** @file Ctrl-C and SIGTERM as an AbortSignal. */
import { ExitCode } from "../exit-code.ts";
import { Interrupted } from "../fail.ts";

/**
 * Runs `work` with a signal that fires on the first Ctrl-C, so that it can leave things in order; the second one ends the
 * process at once.
 *
 * @throws Interrupted, or what `work` throws
 */
export async function withInterrupt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const onSignal = () => {
    if (abort.signal.aborted) process.exit(ExitCode.interrupted);
    abort.abort(new Interrupted());
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    return await work(abort.signal);
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}
