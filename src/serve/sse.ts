/** @file Server-sent events whose writer never waits for the reader: a stalled client costs a bounded buffer, not a slot. */
import { ApiError } from "./errors.ts";
import { MAX_UNREAD_BYTES, PING_INTERVAL_MS } from "./limits.ts";

/** One server-sent event. */
export interface SseEvent {
  /** Event name; left out for OpenAI's chat stream. */
  event?: string;
  data: string;
}

/** How long a client may leave the stream unread, and who hears when it is gone. */
export interface SseOptions {
  stallSeconds: number;
  /** Called once when the client leaves or stalls; the work behind the stream should stop. */
  onGone(reason: ApiError): void;
  /** One JSON object per line (application/x-ndjson) instead of events; a quiet stream then has no signs of life. */
  lines?: boolean;
}

/** How often the stall timer looks; a share of the allowed time, so that it fires soon after it. */
const STALL_CHECKS = 4;

/**
 * Streams events to a client. Errors of `events` should be turned into events by the caller.
 *
 * @example return sseResponse(events(), { stallSeconds: 30, onGone: (reason) => abort.abort(reason) });
 */
export function sseResponse(events: AsyncIterable<SseEvent>, options: SseOptions): Response {
  const encoder = new TextEncoder();
  let unread = 0;
  let lastRead = performance.now();
  const timers: NodeJS.Timeout[] = [];
  const stop = () => {
    for (const timer of timers.splice(0)) clearInterval(timer);
  };
  const queue: Uint8Array[] = [];
  let wake: (() => void) | undefined;
  let finished = false;
  let failure: ApiError | undefined;

  const put = (text: string) => {
    const bytes = encoder.encode(text);
    queue.push(bytes);
    if (unread === 0) lastRead = performance.now();
    unread += bytes.length;
    if (unread > MAX_UNREAD_BYTES) fail("left more than 4 MiB of the stream unread");
    wake?.();
  };
  const fail = (what: string) => {
    if (failure || finished) return;
    failure = new ApiError(499, `The client ${what}.`, { code: "client_stalled" });
    stop();
    options.onGone(failure);
    wake?.();
  };

  const pump = async () => {
    try {
      for await (const { event, data } of events) {
        if (failure) return;
        put(options.lines ? `${data}\n` : `${event ? `event: ${event}\n` : ""}data: ${data}\n\n`);
      }
    } finally {
      finished = true;
      wake?.();
    }
  };

  const body = new ReadableStream<Uint8Array>(
    {
      start() {
        timers.push(
          setInterval(() => !options.lines && queue.length === 0 && put(": ping\n\n"), PING_INTERVAL_MS).unref(),
          setInterval(
            () => {
              if (unread > 0 && performance.now() - lastRead > options.stallSeconds * 1000)
                fail("stopped reading the stream");
            },
            (options.stallSeconds * 1000) / STALL_CHECKS,
          ).unref(),
        );
        pump().catch(() => fail("was sent an event that cannot be written"));
      },
      async pull(controller) {
        while (queue.length === 0 && !finished && !failure) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        if (failure) return controller.error(failure);
        const bytes = queue.shift();
        if (bytes) {
          unread -= bytes.length;
          lastRead = performance.now();
          controller.enqueue(bytes);
        } else {
          stop();
          controller.close();
        }
      },
      cancel() {
        fail("closed the connection");
      },
    },
    // No reading ahead: a pull then means that the socket took the bytes before.
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: {
      "content-type": options.lines ? "application/x-ndjson" : "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
    },
  });
}
