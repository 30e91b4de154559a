/** @file Bodies of POST /v1/chat/completions: what is taken, within which bounds. */
import { z } from "zod";
import {
  MAX_CHOICES,
  MAX_LOGIT_BIAS,
  MAX_MESSAGES,
  MAX_STOP_LENGTH,
  MAX_STOP_STRINGS,
  MAX_TOOLS,
  MAX_TOP_LOGPROBS,
} from "../limits.ts";
import { noEffect, noEffectInChat } from "../no-effect.ts";

/** Where a picture is; a long data: URL has been unpacked when the request is checked. */
export const pictureUrl = z
  .union([z.string().min(1), z.instanceof(Uint8Array)])
  .meta({ type: "string", description: "a data: URL, or an http(s) URL of an allowed host" });

/** Where pictures stand in the prompt. */
export const picturesInPlace = z
  .boolean()
  .optional()
  .describe(
    "extension: pictures stay between the texts where they were sent, also for models trained with pictures first",
  );

/** Whether an answer of a given form may begin with the model's working. */
export const reasonFirst = z
  .boolean()
  .optional()
  .describe(
    "extension: true lets an answer that is held to a schema begin with the model's working, which is told apart",
  );

/** How closely a picture is to be looked at, in OpenAI's words. */
export const detail = z
  .enum(["auto", "low", "high", "original"])
  .optional()
  .describe("low: the picture is one tile, for models that cut pictures into tiles; otherwise no effect");

const textPart = z.strictObject({ type: z.literal("text"), text: z.string() });
const imagePart = z.strictObject({
  type: z.literal("image_url"),
  image_url: z.strictObject({
    url: pictureUrl,
    detail,
  }),
});

/** A function's name. */
export const toolName = z.string().regex(/^[\w.-]{1,128}$/, 'must be 1 to 128 letters, digits, "_", "." or "-"');

/** What describes a function, in chat completions and responses. */
export const toolShape = {
  name: toolName,
  description: z.string().optional(),
  parameters: z.record(z.string(), z.unknown()).optional().describe("JSON schema of the arguments"),
  strict: z.boolean().optional().describe("no effect: calls that are demanded always fit their schema"),
};

const tool = z.strictObject({ type: z.literal("function"), function: z.strictObject(toolShape) });
const toolReference = z.strictObject({ type: z.literal("function"), function: z.strictObject({ name: toolName }) });
const toolChoice = z.union([
  z.enum(["auto", "none", "required"]),
  z.discriminatedUnion("type", [
    toolReference,
    z.strictObject({
      type: z.literal("allowed_tools"),
      allowed_tools: z.strictObject({ mode: z.enum(["auto", "required"]), tools: z.array(toolReference).min(1) }),
    }),
  ]),
]);

const refusalPart = z.strictObject({ type: z.literal("refusal"), refusal: z.string() });
/** What this server and clients add to an assistant's message, so that it can be sent back as it came. */
const returned = {
  refusal: z.string().optional(),
  annotations: z.array(z.unknown()).optional(),
  parsed: z.unknown().optional(),
  reasoning_content: z.string().optional().describe("no effect: the model is not shown its earlier working"),
  tool_calls: z
    .array(
      z.strictObject({
        id: z.string().min(1),
        index: z.number().optional(),
        type: z.literal("function").default("function"),
        function: z.strictObject({ name: toolName, arguments: z.string() }),
      }),
    )
    .max(MAX_TOOLS)
    .optional(),
};

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
    content: z.union([z.string(), z.array(z.discriminatedUnion("type", [textPart, refusalPart])).min(1)]).optional(),
    name,
    ...returned,
  }),
  z.strictObject({
    role: z.literal("tool"),
    tool_call_id: z.string().min(1),
    content: z.union([z.string(), z.array(z.discriminatedUnion("type", [textPart, imagePart]))]),
    name,
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
      strict: z.boolean().optional().describe("the answer always fits the schema, whether or not this is set"),
    }),
  }),
]);

const penalty = z.number().min(-2).max(2);
const stopString = z.string().min(1).max(MAX_STOP_LENGTH);

/** The sampling settings that chat completions and responses share. */
export const samplingShape = {
  temperature: z.number().min(0).max(2).optional().describe("0 or absent: greedy"),
  top_p: z.number().gt(0).max(1).optional(),
  top_k: z.number().int().min(0).optional().describe("extension: sample among the k likeliest tokens; 0 = all"),
  min_p: z.number().min(0).max(1).optional().describe("extension: drop tokens below this share of the likeliest"),
  repetition_penalty: z.number().gt(0).max(10).optional().describe("extension: over 1 discourages repetition"),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
};

/** The body of a chat completion, where nothing may be sent that has no effect. */
export const strictChatSchema = z.strictObject({
  ...samplingShape,
  model: z.string().optional().describe("one of the ids of GET /v1/models; may be left out"),
  messages: z.array(message).min(1).max(MAX_MESSAGES),
  max_completion_tokens: z.number().int().positive().optional(),
  max_tokens: z.number().int().positive().optional().describe("older name of max_completion_tokens"),
  presence_penalty: penalty.optional(),
  frequency_penalty: penalty.optional(),
  logit_bias: z
    .record(z.string().regex(/^\d{1,7}$/, "keys must be token ids"), z.number().min(-100).max(100))
    .refine((bias) => Object.keys(bias).length <= MAX_LOGIT_BIAS, `at most ${MAX_LOGIT_BIAS} tokens can be biased`)
    .optional(),
  logprobs: z.boolean().optional(),
  top_logprobs: z.number().int().min(0).max(MAX_TOP_LOGPROBS).optional(),
  reasoning_format: z
    .enum(["auto", "none"])
    .optional()
    .describe("extension: none leaves the model's working in the answer, as it was written"),
  pictures_in_place: picturesInPlace,
  reason_first: reasonFirst,
  return_token_ids: z.boolean().optional().describe("extension: token_ids with every choice, the end token included"),
  n: z.number().int().min(1).max(MAX_CHOICES).optional(),
  stop: z.union([stopString, z.array(stopString).max(MAX_STOP_STRINGS)]).optional(),
  response_format: responseFormatSchema.optional(),
  stream: z.boolean().optional(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.literal(false).optional() })
    .optional(),
  ignore_eos: z.boolean().optional().describe("extension: go on after the end token, up to the token limit"),
  tools: z.array(tool).max(MAX_TOOLS).optional(),
  tool_choice: toolChoice.optional(),
  parallel_tool_calls: z.boolean().optional(),
  user: noEffect.user,
  safety_identifier: noEffect.safety_identifier,
  prompt_cache_key: noEffect.prompt_cache_key,
  store: z.literal(false).optional().describe("nothing is ever stored"),
  modalities: z.tuple([z.literal("text")]).optional(),
  service_tier: z.enum(["auto", "default"]).optional(),
});

/** The body of a chat completion. */
export const chatRequestSchema = strictChatSchema.extend(noEffectInChat);

/** A checked chat completion request. */
export type ChatRequest = z.infer<typeof chatRequestSchema>;
