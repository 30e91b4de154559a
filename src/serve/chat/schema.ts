/** @file Bodies of POST /v1/chat/completions: what is taken, within which bounds. */
import { z } from "zod";
import {
  MAX_CHOICES,
  MAX_LOGIT_BIAS,
  MAX_MESSAGES,
  MAX_STOP_LENGTH,
  MAX_STOP_STRINGS,
  MAX_TOP_LOGPROBS,
} from "../limits.ts";

const textPart = z.strictObject({ type: z.literal("text"), text: z.string() });
const imagePart = z.strictObject({
  type: z.literal("image_url"),
  image_url: z.strictObject({
    url: z.string().min(1).describe("a data: URL, or an http(s) URL of an allowed host"),
    detail: z
      .enum(["auto", "low", "high"])
      .optional()
      .describe("no effect: every picture is seen at the model's one resolution"),
  }),
});

const name = z.string().optional().describe("no effect: the model's prompt has no place for it");
const message = z.discriminatedUnion("role", [
  z.strictObject({
    role: z.enum(["system", "developer"]),
    content: z.union([z.string(), z.array(textPart).min(1)]),
    name,
  }),
  z.strictObject({
    role: z.literal("user"),
    content: z.union([z.string(), z.array(z.discriminatedUnion("type", [textPart, imagePart])).min(1)]),
    name,
  }),
  z.strictObject({
    role: z.literal("assistant"),
    content: z.union([z.string(), z.array(textPart).min(1)]),
    name,
    refusal: z.null().optional(),
  }),
]);

const schemaName = z.string().regex(/^[\w-]{1,64}$/, "must be 1 to 64 letters, digits, _ or -");

/** How the answer must be shaped, as in OpenAI's `response_format`. */
export const responseFormatSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text") }),
  z.strictObject({ type: z.literal("json_object") }),
  z.strictObject({
    type: z.literal("json_schema"),
    json_schema: z.strictObject({
      name: schemaName,
      description: z.string().optional(),
      schema: z.record(z.string(), z.unknown()),
      strict: z.boolean().nullish().describe("the answer always fits the schema, whether or not this is set"),
    }),
  }),
]);

const penalty = z.number().min(-2).max(2);
const stopString = z.string().min(1).max(MAX_STOP_LENGTH);

/** The sampling settings that chat completions and responses share. */
export const samplingShape = {
  temperature: z.number().min(0).max(2).nullish().describe("0 or absent: greedy"),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.number().int().min(0).nullish().describe("extension: sample among the k likeliest tokens; 0 = all"),
  min_p: z.number().min(0).max(1).nullish().describe("extension: drop tokens below this share of the likeliest"),
  repetition_penalty: z.number().gt(0).max(10).nullish().describe("extension: over 1 discourages repetition"),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullish(),
};

/** The body of a chat completion. */
export const chatRequestSchema = z.strictObject({
  ...samplingShape,
  model: z.string().optional().describe("one of the ids of GET /v1/models; may be left out"),
  messages: z.array(message).min(1).max(MAX_MESSAGES),
  max_completion_tokens: z.number().int().positive().nullish(),
  max_tokens: z.number().int().positive().nullish().describe("older name of max_completion_tokens"),
  presence_penalty: penalty.nullish(),
  frequency_penalty: penalty.nullish(),
  logit_bias: z
    .record(z.string().regex(/^\d{1,7}$/, "keys must be token ids"), z.number().min(-100).max(100))
    .refine((bias) => Object.keys(bias).length <= MAX_LOGIT_BIAS, `at most ${MAX_LOGIT_BIAS} tokens can be biased`)
    .nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.number().int().min(0).max(MAX_TOP_LOGPROBS).nullish(),
  return_token_ids: z.boolean().nullish().describe("extension: token_ids with every choice, the end token included"),
  n: z.number().int().min(1).max(MAX_CHOICES).nullish(),
  stop: z.union([stopString, z.array(stopString).max(MAX_STOP_STRINGS)]).nullish(),
  response_format: responseFormatSchema.optional(),
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.literal(false).optional() })
    .nullish(),
  user: z.string().optional().describe("no effect on the answer"),
  safety_identifier: z.string().optional().describe("no effect on the answer"),
  prompt_cache_key: z.string().optional().describe("no effect: prompts are matched by their content"),
  store: z.literal(false).nullish().describe("nothing is ever stored"),
  modalities: z.tuple([z.literal("text")]).nullish(),
  service_tier: z.enum(["auto", "default"]).nullish(),
});

/** A checked chat completion request. */
export type ChatRequest = z.infer<typeof chatRequestSchema>;
