/** @file Clients that end their side of a connection after the request still get its answer; those that are gone are noticed. */
import type { Server, ServerResponse } from "node:http";
import type { MiddlewareHandler } from "hono";
import type { ServeEnv } from "./context.ts";
import { HALF_CLOSED_PROBE_MS } from "./limits.ts";

/** The first probes come quickly: a client that is gone answers the first with a reset, which the second meets. */
const FIRST_PROBES_MS = [0, 50, 200];

/**
 * Keeps a half-closed connection open for its answer. Since a client that has left looks the same, it is sent something that
 * clients skip now and then: one that is gone answers with a reset, and the request is aborted.
 */
export function answerHalfClosed(server: Server): void {
  // Without this Node takes the end of the client's side for the end of the connection.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on("request", (request, response) => {
    let timer: NodeJS.Timeout | undefined;
    const probeAfter = (count: number) => {
      timer = setTimeout(() => {
        if (request.httpVersion !== "1.0") probe(response);
        probeAfter(count + 1);
      }, FIRST_PROBES_MS[count] ?? HALF_CLOSED_PROBE_MS).unref();
    };
    const halfClosed = () => probeAfter(0);
    request.socket.once("end", halfClosed);
    response.once("close", () => {
      request.socket.off("end", halfClosed);
      clearTimeout(timer);
    });
  });
}

/** Answers that are streams of events, in which a comment may stand between any two. */
const eventStreams = new WeakSet<ServerResponse>();

/** Notes which answers are streams of events: Node does not tell the headers of a response that has begun. */
export const noteEventStreams: MiddlewareHandler<ServeEnv> = async (c, next) => {
  await next();
  const { outgoing } = c.env ?? {};
  if (outgoing && c.res.headers.get("content-type")?.startsWith("text/event-stream"))
    eventStreams.add(outgoing as ServerResponse);
};

/** An interim response before the headers, a comment in a stream of events; other answers find out by their own writes. */
function probe(response: ServerResponse): void {
  if (!response.headersSent) response.writeProcessing();
  else if (eventStreams.has(response) && !response.writableNeedDrain) response.write(": ping\n\n");
}
