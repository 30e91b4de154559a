/** @file The server's structured log: one JSON line per request with its id, without prompt text unless that is asked for. */
import { type DestinationStream, type Logger, pino } from "pino";

export type { Logger };

/**
 * A pino logger; headers that carry secrets are never part of what is logged.
 *
 * @example const log = createLog("info"); log.info({ requestId: "1" }, "answered");
 */
export function createLog(level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      messageKey: "message",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Not synchronous: a reader of the log that stalls must not stall the server.
    destination ?? pino.destination({ dest: 2, sync: false }),
  );
}
