/** @file Ends a server in bounded time: what runs may finish, what waits on nothing is closed at once. */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { AdmissionQueue } from "./queue.ts";

/** After the drain's time is over, aborted requests get this long to send their last words. */
const LAST_WORDS_MS = 1000;

/** How often a draining server closes connections that have nothing left to say. */
const IDLE_CHECK_MS = 50;

/**
 * Prepares the end of a server; the function returned does it. Call it before the server listens.
 *
 * @example
 * const drain = prepareDrain(server, queue, 30_000, () => closing.abort());
 * await drain();
 */
export function prepareDrain(
  server: Server,
  queue: AdmissionQueue,
  graceMs: number,
  abort: () => void,
): () => Promise<void> {
  // Node does not count a connection as idle that was opened ahead of need and has not sent anything yet.
  const unused = new Set<Socket>();
  const opened = (socket: Socket) => {
    unused.add(socket);
    socket.once("close", () => unused.delete(socket));
  };
  server.on(server instanceof TlsServer ? "secureConnection" : "connection", opened);
  server.on("request", (request) => unused.delete(request.socket));

  return async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of unused) socket.destroy();
    // A connection that was busy when the server closed stays open for keep-alive once its answer is out.
    const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
    await within(
      queue.whenIdle().then(() => closed),
      graceMs,
    );
    abort();
    await within(closed, LAST_WORDS_MS);
    clearInterval(idle);
    server.closeAllConnections();
    await closed;
  };
}

async function within(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
