/** @file GET /v1/models and /v1/models/:id, and the check that a request names a model that is served. */
import type { Hono } from "hono";
import type { ServeContext, ServeEnv } from "./context.ts";
import { ApiError } from "./errors.ts";

/**
 * Adds the two model routes.
 *
 * @example modelsRoute(app, context);
 */
export function modelsRoute(app: Hono<ServeEnv>, context: ServeContext): void {
  const entry = (id: string) => ({
    id,
    object: "model" as const,
    created: context.startedAt,
    owned_by: "flashvl",
    // While the model loads, its names are known already, but not its context.
    max_model_len: context.loaded()?.info.maxContext,
  });
  app.get("/v1/models", (c) => c.json({ object: "list", data: servedNames(context).map(entry) }));
  // Ids may hold a slash ("org/name"), so the rest of the path is the id.
  app.get("/v1/models/:id{.+}", (c) => c.json(entry(assertServed(c.req.param("id"), context))));
}

/** The names under which the model is served; the first is the one that answers carry. */
export function servedNames({ settings }: ServeContext): string[] {
  return settings.modelName.length > 0 ? settings.modelName : ["flashvl"];
}

/** The name that an answer carries. Throws {@link ApiError} 404 for a model that is not served; `undefined` means the first. */
export function assertServed(name: string | undefined, context: ServeContext): string {
  const names = servedNames(context);
  if (name === undefined || names.includes(name)) return name ?? names[0]!;
  throw new ApiError(
    404,
    `The model ${JSON.stringify(name.slice(0, 128))} is not served here; served: ${names.join(", ")}.`,
    {
      param: "model",
      code: "model_not_found",
    },
  );
}
