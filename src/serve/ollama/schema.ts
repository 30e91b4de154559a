/** @file Bodies of Ollama's API: /api/chat, /api/generate and /api/show. */
import { z } from "zod";
import { samplingShape, toolName, toolShape } from "../chat/schema.ts";
import { MAX_MESSAGES, MAX_STOP_LENGTH, MAX_STOP_STRINGS, MAX_TOOLS } from "../limits.ts";

const number = z.number().optional();
const { temperature, top_p, top_k, min_p, seed } = samplingShape;

const options = z.strictObject({
  temperature,
  top_p,
  top_k,
  min_p,
  seed,
  num_predict: z.number().int().optional().describe("-1: as much as the server allows"),
  repeat_penalty: samplingShape.repetition_penalty,
  presence_penalty: number,
  frequency_penalty: number,
  stop: z.array(z.string().min(1).max(MAX_STOP_LENGTH)).max(MAX_STOP_STRINGS).optional(),
  num_ctx: number.describe("no effect: the server decides on the context"),
  num_keep: number.describe("no effect: nothing is cut from a conversation"),
  num_batch: number.describe("no effect on the answer"),
  num_gpu: number.describe("no effect: the server decides where it runs"),
  main_gpu: number.describe("no effect: the server decides where it runs"),
  num_thread: number.describe("no effect on the answer"),
  use_mmap: z.boolean().optional().describe("no effect on the answer"),
  use_mlock: z.boolean().optional().describe("no effect on the answer"),
  repeat_last_n: number.describe("no effect: penalties look at the whole answer"),
  typical_p: z.literal(1).optional(),
  mirostat: z.literal(0).optional(),
  penalize_newline: z.boolean().optional(),
});

const shared = {
  model: z.string().min(1),
  format: z.union([z.literal("json"), z.literal(""), z.record(z.string(), z.unknown())]).optional(),
  options: options.optional(),
  stream: z.boolean().optional().describe("default true"),
  think: z.union([z.boolean(), z.string()]).optional().describe("false leaves the model's working in the answer"),
  keep_alive: z.union([z.string(), z.number()]).optional().describe("no effect: the model stays loaded"),
};
const images = z.array(z.string().min(1)).optional().describe("pictures as base64");
const call = z.strictObject({
  id: z.string().optional(),
  type: z.literal("function").optional(),
  function: z.strictObject({
    index: z.number().optional(),
    name: toolName,
    description: z.string().optional(),
    arguments: z.record(z.string(), z.unknown()),
  }),
});

/** The body of a chat request. */
export const ollamaChatSchema = z.strictObject({
  ...shared,
  messages: z
    .array(
      z.strictObject({
        role: z.enum(["system", "user", "assistant", "tool"]),
        content: z.string().default(""),
        images,
        tool_calls: z.array(call).max(MAX_TOOLS).optional(),
        tool_name: z.string().optional().describe("no effect: results stand in the order of their calls"),
        tool_call_id: z.string().optional().describe("no effect: results stand in the order of their calls"),
        thinking: z.string().optional().describe("no effect: the model is not shown its earlier working"),
      }),
    )
    .min(1)
    .max(MAX_MESSAGES),
  tools: z
    .array(z.strictObject({ type: z.literal("function"), function: z.strictObject(toolShape) }))
    .max(MAX_TOOLS)
    .optional(),
});

/** The body of a generate request. */
export const ollamaGenerateSchema = z.strictObject({
  ...shared,
  prompt: z.string().default(""),
  suffix: z.literal("").optional(),
  system: z.string().optional(),
  images,
  raw: z.boolean().optional().describe("true: the prompt is continued as it is, control tokens read as such"),
});

/** The body of a show request. */
export const ollamaShowSchema = z.strictObject({
  model: z.string().min(1),
  verbose: z.boolean().optional(),
});

/** A checked chat request. */
export type OllamaChat = z.infer<typeof ollamaChatSchema>;
/** A checked generate request. */
export type OllamaGenerate = z.infer<typeof ollamaGenerateSchema>;
