/** @file Bodies of POST /v1/responses: the stateless part of OpenAI's Responses API. */
import { z } from "zod";
import { samplingShape } from "../chat/schema.ts";
import { MAX_MESSAGES, MAX_TOP_LOGPROBS } from "../limits.ts";

const inputText = z.strictObject({ type: z.literal("input_text"), text: z.string() });
const inputImage = z.strictObject({
  type: z.literal("input_image"),
  image_url: z.string().min(1).describe("a data: URL, or an http(s) URL of an allowed host"),
  detail: z
    .enum(["auto", "low", "high"])
    .optional()
    .describe("no effect: every picture is seen at the model's one resolution"),
});
const outputText = z.strictObject({
  type: z.literal("output_text"),
  text: z.string(),
  annotations: z.array(z.never()).optional(),
  logprobs: z.array(z.unknown()).optional(),
});

const messageItem = z.discriminatedUnion("role", [
  z.strictObject({
    type: z.literal("message").optional(),
    role: z.literal("user"),
    content: z.union([z.string(), z.array(z.discriminatedUnion("type", [inputText, inputImage])).min(1)]),
    id: z.string().optional(),
    status: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal("message").optional(),
    role: z.enum(["system", "developer"]),
    content: z.union([z.string(), z.array(inputText).min(1)]),
    id: z.string().optional(),
    status: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal("message").optional(),
    role: z.literal("assistant"),
    content: z.union([z.string(), z.array(outputText).min(1)]),
    id: z.string().optional(),
    status: z.string().optional(),
    phase: z.null().optional(),
  }),
]);

const format = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text") }),
  z.strictObject({ type: z.literal("json_object") }),
  z.strictObject({
    type: z.literal("json_schema"),
    name: z.string().regex(/^[\w-]{1,64}$/, "must be 1 to 64 letters, digits, _ or -"),
    description: z.string().optional(),
    schema: z.record(z.string(), z.unknown()),
    strict: z.boolean().nullish().describe("the answer always fits the schema, whether or not this is set"),
  }),
]);

/** The body of a response request. */
export const responsesRequestSchema = z.strictObject({
  ...samplingShape,
  model: z.string().optional().describe("one of the ids of GET /v1/models; may be left out"),
  input: z.union([z.string(), z.array(messageItem).min(1).max(MAX_MESSAGES)]),
  instructions: z.string().nullish().describe("the system text"),
  max_output_tokens: z.number().int().positive().nullish(),
  text: z.strictObject({ format: format.optional() }).optional(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_obfuscation: z.literal(false).optional() }).nullish(),
  include: z.array(z.literal("message.output_text.logprobs")).nullish(),
  top_logprobs: z.number().int().min(0).max(MAX_TOP_LOGPROBS).nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish().describe("comes back with the response"),
  truncation: z.literal("disabled").nullish(),
  store: z.literal(false).nullish().describe("nothing is ever stored"),
  service_tier: z.enum(["auto", "default"]).nullish(),
  user: z.string().optional().describe("no effect on the answer"),
  safety_identifier: z.string().optional().describe("no effect on the answer"),
  prompt_cache_key: z.string().optional().describe("no effect: prompts are matched by their content"),
  tools: z.array(z.unknown()).max(0).optional(),
  tool_choice: z.enum(["auto", "none"]).optional(),
});

/** A checked response request. */
export type ResponsesRequest = z.infer<typeof responsesRequestSchema>;
