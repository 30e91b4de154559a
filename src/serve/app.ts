/** @file Puts the server together: middleware, routes, and the one place that renders errors. */
import { Hono } from "hono";
import { cors } from "hono/cors";
import { messagesRoute } from "./anthropic/route.ts";
import { attentionRoute } from "./attention-route.ts";
import { chatRoute } from "./chat/route.ts";
import { completionsRoute } from "./completions/route.ts";
import type { ServeContext, ServeEnv } from "./context.ts";
import { ApiError, errorBody, toApiError } from "./errors.ts";
import { noteEventStreams } from "./half-closed.ts";
import { drainCheck, hostCheck, keyCheck, requestLog } from "./middleware.ts";
import { modelsRoute } from "./models-route.ts";
import { ollamaRoutes } from "./ollama/route.ts";
import { openapiRoute } from "./openapi.ts";
import { pageRoute } from "./page/route.ts";
import { responsesRoute } from "./responses/route.ts";
import { statusRoutes } from "./status-routes.ts";
import { tokensRoute } from "./tokens-route.ts";

/** Paths that need no API key: they hold no content, and a platform or the page itself must reach them. */
const PUBLIC_PATHS =
  /^\/(health|healthz|livez|ready|readyz|version|api\/version|openapi\.json|v1\/flashvl\/about|assets\/[\w.-]+|favicon\.svg)?$/;

/**
 * The web application of a server, without a socket: `app.request("/health")` works in a test.
 *
 * @example const app = createApp(context); const response = await app.request("/v1/models");
 */
export function createApp(context: ServeContext): Hono<ServeEnv> {
  const app = new Hono<ServeEnv>();
  const { corsOrigin, publicMetrics } = context.settings;
  app.use(requestLog(context));
  app.use(noteEventStreams);
  app.use(hostCheck(context));
  if (corsOrigin.length > 0) {
    app.use(
      "/v1/*",
      cors({
        origin: corsOrigin,
        // No list of headers: those that the browser asks for are allowed (clients send many of their own).
        exposeHeaders: ["x-request-id", "retry-after"],
        maxAge: 600,
      }),
    );
  }
  app.use(keyCheck(context, (path) => PUBLIC_PATHS.test(path) || (publicMetrics && path === "/metrics")));
  app.use(drainCheck(context));
  statusRoutes(app, context);
  modelsRoute(app, context);
  chatRoute(app, context);
  responsesRoute(app, context);
  completionsRoute(app, context);
  tokensRoute(app, context);
  messagesRoute(app, context);
  ollamaRoutes(app, context);
  attentionRoute(app, context);
  openapiRoute(app);
  if (context.settings.page) pageRoute(app);
  app.notFound((c) => {
    throw new ApiError(
      404,
      `There is no ${c.req.method} ${c.req.path.slice(0, 128)} here; GET /openapi.json lists what there is.`,
      { code: "not_found" },
    );
  });
  app.onError((error, c) => {
    const failure = toApiError(error);
    const log = c.get("log") ?? context.log;
    // A cause is something unforeseen; loading, draining and timeouts are told in the request's own line.
    if (failure.status >= 500 && failure.cause) log.error({ err: failure.cause }, failure.message);
    else log.debug({ code: failure.code, param: failure.param }, "refused");
    for (const [name, value] of Object.entries(failure.headers)) c.header(name, value);
    const body = JSON.stringify(errorBody(c.req.path, failure));
    return c.body(body, failure.status as 400, { "content-type": "application/json" });
  });
  return app;
}
