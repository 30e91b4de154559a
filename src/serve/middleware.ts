/** @file What happens to every request: its id and log line, the Host check, API keys, CORS, and refusal while draining. */
import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { ServeContext, ServeEnv } from "./context.ts";
import { ApiError } from "./errors.ts";

/** Names under which a loopback address is reached. */
const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/** Gives each request an id, a logger that carries it, and one line in the log when it is answered. */
export function requestLog(context: ServeContext): MiddlewareHandler<ServeEnv> {
  return async (c, next) => {
    const asked = c.req.header("x-request-id");
    const requestId = asked && /^[\w.-]{1,64}$/.test(asked) ? asked : randomUUID();
    const arrived = performance.now();
    const log = context.log.child({ requestId });
    c.set("requestId", requestId);
    c.set("arrived", arrived);
    c.set("log", log);
    c.header("x-request-id", requestId);
    c.header("x-content-type-options", "nosniff");
    await next();
    const ms = Math.round(performance.now() - arrived);
    const route = c.req.routePath;
    context.metrics.responded(route, c.res.status);
    log.info({ method: c.req.method, path: c.req.path.slice(0, 256), status: c.res.status, ms }, "answered");
  };
}

/**
 * Answers only to names that belong to the server. A page whose name is re-pointed to 127.0.0.1 (DNS rebinding) still
 * sends its own name, and so gets nothing from a server that only listens on loopback.
 */
export function hostCheck(context: ServeContext): MiddlewareHandler<ServeEnv> {
  const { host, socket, allowedHost } = context.settings;
  const loopback = ["127.0.0.1", "::1", "localhost"].includes(host);
  const check = !socket && (loopback || allowedHost.length > 0);
  const allowed = new Set([...LOOPBACK_NAMES, host, ...allowedHost].map((name) => name.toLowerCase()));
  return async (c, next) => {
    const name = (c.req.header("host") ?? "").replace(/:\d+$/, "").toLowerCase();
    if (check && !allowed.has(name)) {
      throw new ApiError(
        421,
        `This server does not answer to the host name ${JSON.stringify(name.slice(0, 128))}. Start it with --allowed-host ${name.slice(0, 128)} if it should.`,
        { code: "host_not_allowed" },
      );
    }
    await next();
  };
}

/** Asks for one of the API keys; compares digests in constant time. */
export function keyCheck(context: ServeContext, isPublic: (path: string) => boolean): MiddlewareHandler<ServeEnv> {
  const digest = (key: string) => createHash("sha256").update(key).digest();
  const keys = context.settings.apiKey.map(digest);
  return async (c, next) => {
    if (keys.length > 0 && c.req.method !== "OPTIONS" && !isPublic(c.req.path)) {
      const [scheme, key = ""] = (c.req.header("authorization") ?? "").split(" ", 2);
      // Anthropic's clients send it in a header of its own.
      const given = digest(scheme?.toLowerCase() === "bearer" ? key : (c.req.header("x-api-key") ?? ""));
      if (!keys.map((known) => timingSafeEqual(known, given)).includes(true)) {
        throw new ApiError(401, "A valid API key is missing. Send it as Authorization: Bearer <key>.", {
          code: "invalid_api_key",
          headers: { "www-authenticate": "Bearer" },
        });
      }
    }
    await next();
  };
}

/** Refuses new work while the server drains; status routes stay open so that a platform can watch. */
export function drainCheck(context: ServeContext): MiddlewareHandler<ServeEnv> {
  return async (c, next) => {
    if (context.isDraining() && c.req.method === "POST") {
      throw new ApiError(503, "The server is shutting down; send the request to another one.", {
        code: "shutting_down",
        headers: { "retry-after": "1", connection: "close" },
      });
    }
    await next();
  };
}
