/** @file Bodies of POST /v1/responses: the stateless part of OpenAI's Responses API. */
import { z } from "zod";
import {
  detail,
  picturesInPlace,
  pictureUrl,
  reasonFirst,
  samplingShape,
  toolName,
  toolShape,
} from "../chat/schema.ts";
import { MAX_MESSAGES, MAX_TOOLS, MAX_TOP_LOGPROBS } from "../limits.ts";
import { noEffect } from "../no-effect.ts";

const inputText = z.strictObject({ type: z.literal("input_text"), text: z.string() });
const inputImage = z.strictObject({
  type: z.literal("input_image"),
  image_url: pictureUrl,
  detail,
});
const outputText = z.strictObject({
  type: z.literal("output_text"),
  text: z.string(),
  annotations: z.array(z.unknown()).optional(),
  logprobs: z.array(z.unknown()).optional(),
});

const refusal = z.strictObject({ type: z.literal("refusal"), refusal: z.string() });
/** The type of an item says what it is; a message may leave it out. */
const type = z.literal("message").optional();
const id = z.string().optional();
const status = z.string().optional();

const messageItem = z.discriminatedUnion("role", [
  z.strictObject({
    type,
    role: z.literal("user"),
    content: z.union([z.string(), z.array(z.discriminatedUnion("type", [inputText, inputImage])).min(1)]),
    id,
    status,
  }),
  z.strictObject({
    type,
    role: z.enum(["system", "developer"]),
    content: z.union([z.string(), z.array(inputText).min(1)]),
    id,
    status,
  }),
  z.strictObject({
    type,
    role: z.literal("assistant"),
    content: z.union([z.string(), z.array(z.discriminatedUnion("type", [outputText, refusal])).min(1)]),
    id,
    status,
    phase: z.string().optional(),
  }),
]);

/** The model's working, as a response brought it; the model is not shown it again. */
const reasoningItem = z.strictObject({
  type: z.literal("reasoning"),
  id,
  status,
  summary: z.array(z.unknown()).optional(),
  content: z.array(z.unknown()).optional(),
  encrypted_content: z.string().optional(),
});

const itemReference = z
  .strictObject({ type: z.literal("item_reference"), id: z.string() })
  .refine(
    () => false,
    "the server keeps no items, so an item_reference points nowhere; send the item itself (clients do so with store: false)",
  );

const callItem = z.strictObject({
  type: z.literal("function_call"),
  id,
  status,
  call_id: z.string().min(1),
  name: toolName,
  arguments: z.string(),
});
const resultItem = z.strictObject({
  type: z.literal("function_call_output"),
  id,
  status,
  call_id: z.string().min(1),
  output: z.union([z.string(), z.array(z.discriminatedUnion("type", [inputText, inputImage]))]),
});

const item = z.discriminatedUnion("type", [messageItem, reasoningItem, callItem, resultItem, itemReference]);

const tool = z.strictObject({ type: z.literal("function"), ...toolShape });
const toolReference = z.strictObject({ type: z.literal("function"), name: toolName });
const toolChoice = z.union([
  z.enum(["auto", "none", "required"]),
  z.discriminatedUnion("type", [
    toolReference,
    z.strictObject({
      type: z.literal("allowed_tools"),
      mode: z.enum(["auto", "required"]),
      tools: z.array(toolReference).min(1),
    }),
  ]),
]);

const format = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text") }),
  z.strictObject({ type: z.literal("json_object") }),
  z.strictObject({
    type: z.literal("json_schema"),
    name: z.string().regex(/^[\w-]{1,64}$/, "must be 1 to 64 letters, digits, _ or -"),
    description: z.string().optional(),
    schema: z.record(z.string(), z.unknown()),
    strict: z.boolean().optional().describe("the answer always fits the schema, whether or not this is set"),
  }),
]);

/** The body of a response request, where nothing may be sent that has no effect. */
export const strictResponsesSchema = z.strictObject({
  ...samplingShape,
  model: z.string().optional().describe("one of the ids of GET /v1/models; may be left out"),
  input: z.union([z.string(), z.array(item).min(1).max(MAX_MESSAGES)]),
  instructions: z.string().optional().describe("the system text"),
  max_output_tokens: z.number().int().positive().optional(),
  text: z.strictObject({ format: format.optional() }).optional(),
  stream: z.boolean().optional(),
  stream_options: z.strictObject({ include_obfuscation: z.literal(false).optional() }).optional(),
  include: z.array(z.literal("message.output_text.logprobs")).optional(),
  top_logprobs: z.number().int().min(0).max(MAX_TOP_LOGPROBS).optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).optional().describe("comes back with the response"),
  pictures_in_place: picturesInPlace,
  reason_first: reasonFirst,
  truncation: z.literal("disabled").optional(),
  store: z.literal(false).optional().describe("nothing is ever stored"),
  service_tier: z.enum(["auto", "default"]).optional(),
  user: noEffect.user,
  safety_identifier: noEffect.safety_identifier,
  prompt_cache_key: noEffect.prompt_cache_key,
  tools: z.array(tool).max(MAX_TOOLS).optional(),
  tool_choice: toolChoice.optional(),
  parallel_tool_calls: z.boolean().optional(),
});

/** The body of a response request. */
export const responsesRequestSchema = strictResponsesSchema.extend({
  ...noEffect,
  metadata: strictResponsesSchema.shape.metadata,
  reasoning: z
    .strictObject({ effort: z.string(), summary: z.string(), generate_summary: z.string() })
    .partial()
    .optional()
    .describe("no effect: the model decides how long it reasons"),
  background: z.literal(false).optional(),
  max_tool_calls: z.number().int().positive().optional().describe("no effect without built-in tools"),
});

/** A checked response request; a strict server's has fewer members. */
export type ResponsesRequest = z.infer<typeof responsesRequestSchema>;
