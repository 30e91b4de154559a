/** @file POST /v1/flashvl/attention ("where did it look") and GET /v1/flashvl/about (what this server can do, for the page). */
import type { Hono } from "hono";
import { z } from "zod";
import { chatRequestSchema } from "./chat/schema.ts";
import { chatToJob } from "./chat/to-job.ts";
import type { ServeContext, ServeEnv } from "./context.ts";
import { ApiError } from "./errors.ts";
import { prepareMessages } from "./generation.ts";
import { assertServed } from "./models-route.ts";
import { openScope } from "./request-scope.ts";
import { validate } from "./validate.ts";

/** An answer is never longer: it is the largest context of the models. */
const MAX_ANSWER_TOKENS = 32_768;

/** The body of an attention request: the conversation, the answer to it, and the place in the answer. */
export const attentionRequestSchema = z.strictObject({
  model: chatRequestSchema.shape.model,
  messages: chatRequestSchema.shape.messages,
  answer: z
    .union([z.string(), z.array(z.number().int().min(0)).max(MAX_ANSWER_TOKENS)])
    .describe("the answer that the model gave, best as its token_ids: text may fall into other tokens"),
  token: z.number().int().min(0).describe("index of the answer's token"),
});

/**
 * Adds both routes. Attention is computed only where the model offers it; elsewhere the route answers 501.
 *
 * @example attentionRoute(app, context);
 */
export function attentionRoute(app: Hono<ServeEnv>, context: ServeContext): void {
  app.get("/v1/flashvl/about", (c) => {
    const { settings } = context;
    return c.json({
      model: assertServed(undefined, context),
      needsKey: settings.apiKey.length > 0,
      attention: context.model().attention !== undefined,
      reads: context.model().card?.reads,
      suggestions: context.model().card?.suggestions,
      limits: {
        pictures: settings.maxPictures,
        pictureBytes: Math.min(settings.maxPictureBytes, Math.floor(settings.maxBodyBytes * 0.7)),
        tokens: settings.maxTokens,
        defaultTokens: settings.defaultTokens,
      },
    });
  });
  app.post("/v1/flashvl/attention", async (c) => {
    const model = context.model();
    if (!model.attention) {
      throw new ApiError(501, "This server's model does not tell where it looked.", { code: "attention_unavailable" });
    }
    const scope = openScope(c, context);
    try {
      const body = await context.bodies.readJson(c.req.raw);
      scope.onEnd(body.free);
      const request = validate(attentionRequestSchema, body.json);
      assertServed(request.model, context);
      const job = chatToJob({ messages: request.messages }, context.settings, model);
      if (
        !job.messages.some(({ content }) => typeof content !== "string" && content.some(({ type }) => type === "image"))
      ) {
        throw new ApiError(400, "The messages have no picture to look at.", {
          param: "messages",
          code: "invalid_value",
        });
      }
      const { slot, messages } = await prepareMessages(context, job.messages, scope.signal);
      try {
        const map = await model.attention(messages, request.answer, request.token, scope.signal);
        const round = (value: number) => Number(value.toPrecision(4));
        return c.json({
          rows: map.rows,
          columns: map.columns,
          grids:
            map.grids ??
            map.maps.map((_, picture) => ({ rows: map.rows, columns: map.columns, picture, thumbnail: false })),
          maps: map.maps.map((weights) => Array.from(weights, round)),
        });
      } catch (cause) {
        if (!(cause instanceof RangeError)) throw cause;
        throw new ApiError(400, cause.message, { param: "token", code: "invalid_value", cause });
      } finally {
        slot.release();
      }
    } finally {
      scope.end();
    }
  });
}
