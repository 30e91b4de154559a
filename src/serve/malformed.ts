/** @file Answers to what is not a request: bytes that are no HTTP, and a Host or target that makes no URL. */
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { ApiError } from "./errors.ts";

const malformed = (what: string): ApiError =>
  new ApiError(400, `${what} Send HTTP/1.1 with one Host header and a path.`, { code: "malformed_request" });

/** What cannot be read by Node's parser, by its error code; its own answer is a status without a word. */
const UNREADABLE = new Map([
  [
    "HPE_HEADER_OVERFLOW",
    new ApiError(431, "The headers are larger than this server reads. Send fewer or shorter ones.", {
      code: "headers_too_large",
    }),
  ],
  [
    "ERR_HTTP_REQUEST_TIMEOUT",
    new ApiError(
      408,
      "The request did not arrive in time. Send it again, or start the server with a longer --body-timeout.",
      {
        code: "request_timeout",
      },
    ),
  ],
]);

/**
 * The response to a request whose Host or target makes no URL.
 * @example getRequestListener(app.fetch, { errorHandler: refuseMalformed });
 */
export function refuseMalformed(error: unknown): Response {
  const reason = error instanceof Error ? error.message : String(error);
  return Response.json(malformed(`The request cannot be understood: ${reason}.`).toBody(), { status: 400 });
}

/**
 * Answers on the socket itself, where there is no request yet, and closes it.
 * @example server.on("clientError", answerUnreadable);
 */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  // The client has left, or an answer has begun (Node's own handler looks at the same field): nothing that is written now
  // would be understood.
  const begun = (socket as { _httpMessage?: { headersSent: boolean } | null })._httpMessage?.headersSent;
  if (error.code === "ECONNRESET" || !socket.writable || begun) {
    socket.destroy();
    return;
  }
  const failure = UNREADABLE.get(error.code ?? "") ?? malformed("The request is not HTTP that can be read.");
  const body = JSON.stringify(failure.toBody());
  socket.end(
    `HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status]}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
