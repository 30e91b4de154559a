/** @file Bodies of POST /v1/messages: Anthropic's API, as far as a local model has what it asks for. */
import { z } from "zod";
import { picturesInPlace, pictureUrl, samplingShape, toolName } from "../chat/schema.ts";
import { MAX_MESSAGES, MAX_STOP_LENGTH, MAX_STOP_STRINGS, MAX_TOOLS } from "../limits.ts";
import { noEffect } from "../no-effect.ts";

/** Marks what may be cached; prompts are cached by their content here. */
const cache = { cache_control: z.unknown().optional().describe("no effect: prompts are matched by their content") };
const text = z.strictObject({ type: z.literal("text"), text: z.string(), citations: z.unknown().optional(), ...cache });
const image = z.strictObject({
  type: z.literal("image"),
  source: z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("base64"), media_type: z.string(), data: z.string().min(1) }),
    z.strictObject({ type: z.literal("url"), url: pictureUrl }),
  ]),
  ...cache,
});
const toolUse = z.strictObject({
  type: z.literal("tool_use"),
  id: z.string().min(1),
  name: toolName,
  input: z.record(z.string(), z.unknown()),
  caller: z.unknown().optional(),
  ...cache,
});
const toolResult = z.strictObject({
  type: z.literal("tool_result"),
  tool_use_id: z.string().min(1),
  content: z.union([z.string(), z.array(z.discriminatedUnion("type", [text, image]))]).optional(),
  is_error: z.boolean().optional(),
  ...cache,
});
const thinking = z.strictObject({
  type: z.literal("thinking"),
  thinking: z.string(),
  signature: z.string().optional(),
});
const hidden = z.strictObject({ type: z.literal("redacted_thinking"), data: z.string() });

const message = z.discriminatedUnion("role", [
  z.strictObject({
    role: z.literal("user"),
    content: z.union([z.string(), z.array(z.discriminatedUnion("type", [text, image, toolResult])).min(1)]),
  }),
  z.strictObject({
    role: z.literal("assistant"),
    content: z.union([z.string(), z.array(z.discriminatedUnion("type", [text, toolUse, thinking, hidden])).min(1)]),
  }),
]);

const tool = z.strictObject({
  type: z.literal("custom").optional(),
  name: toolName,
  description: z.string().optional(),
  input_schema: z.record(z.string(), z.unknown()),
  strict: z.boolean().optional(),
  ...cache,
});
const parallel = { disable_parallel_tool_use: z.boolean().optional() };

/** What a count of tokens is made from. */
export const countSchema = z.strictObject({
  model: z.string().optional().describe("one of the ids of GET /v1/models; may be left out"),
  messages: z.array(message).min(1).max(MAX_MESSAGES),
  system: z.union([z.string(), z.array(text)]).optional(),
  tools: z.array(tool).max(MAX_TOOLS).optional(),
  tool_choice: z
    .discriminatedUnion("type", [
      z.strictObject({ type: z.literal("auto"), ...parallel }),
      z.strictObject({ type: z.literal("any"), ...parallel }),
      z.strictObject({ type: z.literal("none") }),
      z.strictObject({ type: z.literal("tool"), name: toolName, ...parallel }),
    ])
    .optional(),
  pictures_in_place: picturesInPlace,
  thinking: z.unknown().optional().describe("no effect: the model decides itself how long it reasons"),
  ...cache,
});

/** The body of a message request. */
export const messagesRequestSchema = countSchema.extend({
  temperature: samplingShape.temperature,
  top_p: samplingShape.top_p,
  top_k: samplingShape.top_k,
  max_tokens: z.number().int().positive(),
  stop_sequences: z.array(z.string().min(1).max(MAX_STOP_LENGTH)).max(MAX_STOP_STRINGS).optional(),
  stream: z.boolean().optional(),
  metadata: noEffect.metadata,
  service_tier: noEffect.service_tier,
});

/** A checked message request. */
export type MessagesRequest = z.infer<typeof messagesRequestSchema>;
/** A checked count. */
export type CountRequest = z.infer<typeof countSchema>;
