/** @file Bodies of POST /v1/completions: the bare continuation of a text. */
import { z } from "zod";
import { strictChatSchema } from "../chat/schema.ts";
import { noEffectInChat } from "../no-effect.ts";

/** What belongs to conversations only. */
const OF_CHAT = {
  messages: true,
  tools: true,
  tool_choice: true,
  parallel_tool_calls: true,
  modalities: true,
  logprobs: true,
  top_logprobs: true,
  reasoning_format: true,
  return_token_ids: true,
} as const;

/** The body of a completion request. */
export const completionRequestSchema = strictChatSchema.omit(OF_CHAT).extend({
  ...noEffectInChat,
  prompt: z
    .union([z.string().min(1), z.array(z.string().min(1)).length(1), z.array(z.number().int().min(0)).min(1)])
    .describe("the text, in which control tokens such as <|im_start|> are read as such, or its tokens"),
  echo: z.literal(false).optional(),
  suffix: z.literal("").optional(),
});

/** A checked completion request. */
export type CompletionRequest = z.infer<typeof completionRequestSchema>;
