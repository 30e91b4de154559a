/** @file POST /tokenize and /detokenize, as vLLM and llama-server have them. */
import type { Context, Hono } from "hono";
import { z } from "zod";
import { inSlices } from "../common/index.ts";
import type { ServeContext, ServeEnv } from "./context.ts";
import { ApiError } from "./errors.ts";
import { assertServed } from "./models-route.ts";
import { validate } from "./validate.ts";

/** More tokens than any model's context. */
const MAX_TOKENS = 1_048_576;

const model = z.string().optional().describe("one of the ids of GET /v1/models; may be left out");

/** The body of a tokenize request. */
export const tokenizeSchema = z.strictObject({
  model,
  prompt: z.string(),
  add_special_tokens: z.boolean().optional().describe("no effect: a text has none at its ends"),
  parse_special: z.boolean().optional().describe("read control tokens in the text as such; default false, as in chat"),
  return_token_strs: z.boolean().optional(),
});

/** The body of a detokenize request. */
export const detokenizeSchema = z.strictObject({
  model,
  tokens: z.array(z.number().int().min(0)).max(MAX_TOKENS),
});

/**
 * Adds both routes.
 *
 * @example tokensRoute(app, context);
 */
export function tokensRoute(app: Hono<ServeEnv>, context: ServeContext): void {
  const read = async <Schema extends z.ZodObject<{ model: typeof model }>>(c: Context<ServeEnv>, schema: Schema) => {
    const body = await context.bodies.readJson(c.req.raw);
    try {
      const request = validate(schema, body.json);
      assertServed(request.model as string | undefined, context);
      return request;
    } finally {
      body.free();
    }
  };
  app.post("/tokenize", async (c) => {
    const { prompt, parse_special, return_token_strs } = await read(c, tokenizeSchema);
    const { tokenizer, info } = context.model();
    const steps = tokenizer.encodeSteps(prompt, MAX_TOKENS, { controlTokens: parse_special ?? false });
    const tokens = await inSlices(steps);
    if (tokens.length > MAX_TOKENS)
      throw new ApiError(400, `The text has more than ${MAX_TOKENS} tokens.`, {
        param: "prompt",
        code: "invalid_value",
      });
    const texts = return_token_strs && tokens.map((token) => Buffer.from(tokenizer.tokenBytes(token)).toString("utf8"));
    return c.json({
      count: tokens.length,
      max_model_len: info.maxContext,
      tokens,
      ...(texts && { token_strs: texts }),
    });
  });
  app.post("/detokenize", async (c) => {
    const { tokens } = await read(c, detokenizeSchema);
    return c.json({ prompt: context.model().tokenizer.decode(tokens, { skipSpecialTokens: false }) });
  });
}
