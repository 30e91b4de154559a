/** @file GET /health (alive), /ready (may be sent work), each also by Kubernetes' names, /version and /metrics (Prometheus). */
import type { Hono } from "hono";
import type { ServeContext, ServeEnv } from "./context.ts";
import { ApiError } from "./errors.ts";
import { version } from "./version.ts";

/**
 * Adds the routes that a platform watches.
 *
 * @example statusRoutes(app, context);
 */
export function statusRoutes(app: Hono<ServeEnv>, context: ServeContext): void {
  for (const path of ["/health", "/healthz", "/livez"]) app.get(path, (c) => c.json({ status: "ok" }));
  for (const path of ["/ready", "/readyz"]) {
    app.get(path, (c) => {
      if (context.isDraining()) throw new ApiError(503, "The server is shutting down.", { code: "shutting_down" });
      context.model();
      return c.json({ status: "ready" });
    });
  }
  app.get("/version", (c) => c.json({ version }));
  app.get("/metrics", async (c) =>
    c.body(await context.metrics.page(), 200, { "content-type": context.metrics.contentType }),
  );
}
