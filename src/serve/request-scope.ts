/** @file What ends a request before its answer does: the client leaving, the time running out, the server closing. */
import type { Context } from "hono";
import type { ServeContext, ServeEnv } from "./context.ts";
import { ApiError } from "./errors.ts";

/** A request's signal, and the way to end it from inside. */
export interface RequestScope {
  arrived: number;
  signal: AbortSignal;
  abort(reason: ApiError): void;
  /** Has `callback` run when the scope ends. */
  onEnd(callback: () => void): void;
  /** Frees what the scope holds; call when the answer is complete. A second call does nothing. */
  end(): void;
}

/**
 * Opens the scope of a request. Its signal's reason is always an {@link ApiError}: 499 client gone, 504 time over, 503 closing.
 *
 * @example const scope = openScope(c, context); try { await work(scope.signal); } finally { scope.end(); }
 */
export function openScope(c: Context<ServeEnv>, context: ServeContext): RequestScope {
  const controller = new AbortController();
  const abort = (reason: ApiError) => controller.abort(reason);
  const { requestTimeout } = context.settings;
  const gone = () => abort(new ApiError(499, "The client closed the connection.", { code: "client_gone" }));
  const closing = () => abort(new ApiError(503, "The server is shutting down.", { code: "shutting_down" }));
  const timer = setTimeout(
    () =>
      abort(new ApiError(504, `The request took longer than the limit of ${requestTimeout} s.`, { code: "timeout" })),
    requestTimeout * 1000,
  );
  const client = c.req.raw.signal;
  client.addEventListener("abort", gone, { once: true });
  context.closing.addEventListener("abort", closing, { once: true });
  if (client.aborted) gone();
  if (context.closing.aborted) closing();
  const callbacks = [
    () => {
      clearTimeout(timer);
      client.removeEventListener("abort", gone);
      context.closing.removeEventListener("abort", closing);
    },
  ];
  return {
    arrived: c.get("arrived"),
    signal: controller.signal,
    abort,
    onEnd: (callback) => callbacks.push(callback),
    end() {
      for (const callback of callbacks.splice(0)) callback();
    },
  };
}
